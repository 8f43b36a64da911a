// ring.h: one io_uring per thread through the raw system calls, with every set-up flag RingCore asks for. liburing 2.3 cannot be
// used here: it would fill the SQ index array that NO_SQARRAY leaves out. Needs kernel headers 6.1 and a kernel 6.6.
#ifndef RING_H
#define RING_H

#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif
#define REGISTER_ON_REGISTERED_RING (1U << 31)   // IORING_REGISTER_USE_REGISTERED_RING of newer headers

// The harness prints these names beside its figures.
#define RING_SETUP_FLAGS (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG \
    | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_NO_SQARRAY)

struct ring {
    int index;                                   // this thread's registered ring, in place of a file descriptor
    unsigned sq_entries, sq_mask, cq_mask;
    unsigned tail, submitted;                    // SQEs written; SQEs the kernel has consumed
    unsigned *sq_tail, *cq_head, *cq_tail;       // shared with the kernel
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
};

static void die(const char *what) { perror(what); exit(1); }

static void ring_open(struct ring *ring, unsigned sq_entries, unsigned cq_entries) {
    struct io_uring_params params = { .flags = RING_SETUP_FLAGS, .cq_entries = cq_entries };
    int fd = syscall(SYS_io_uring_setup, sq_entries, &params);
    if (fd < 0) die("io_uring_setup with all of RingCore's flags (Linux 6.6 or later)");

    size_t size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
    ring->sqes = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
    if (shared == MAP_FAILED || ring->sqes == MAP_FAILED) die("mmap of the ring");
    ring->sq_entries = params.sq_entries;
    ring->sq_mask = params.sq_entries - 1;
    ring->cq_mask = params.cq_entries - 1;
    ring->sq_tail = (unsigned *)(shared + params.sq_off.tail);
    ring->cq_head = (unsigned *)(shared + params.cq_off.head);
    ring->cq_tail = (unsigned *)(shared + params.cq_off.tail);
    ring->cqes = (struct io_uring_cqe *)(shared + params.cq_off.cqes);
    ring->tail = ring->submitted = 0;

    struct io_uring_rsrc_update self = { .offset = -1U, .data = fd };
    if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_RING_FDS, &self, 1) != 1) die("register the ring fd");
    ring->index = self.offset;
}

// Submits what is pending and waits until at least `wait` CQEs are there. What the kernel did not consume goes with the next call.
static inline void ring_enter(struct ring *ring, unsigned wait) {
    __atomic_store_n(ring->sq_tail, ring->tail, __ATOMIC_RELEASE);
    unsigned flags = IORING_ENTER_REGISTERED_RING | (wait ? IORING_ENTER_GETEVENTS : 0);
    long consumed = syscall(SYS_io_uring_enter, ring->index, ring->tail - ring->submitted, wait, flags, NULL, 0);
    if (consumed >= 0) ring->submitted += consumed;
    else if (errno != EINTR && errno != EAGAIN && errno != EBUSY) die("io_uring_enter");
}

static inline struct io_uring_sqe *ring_sqe(struct ring *ring) {
    while (ring->tail - ring->submitted == ring->sq_entries) ring_enter(ring, 0);
    struct io_uring_sqe *sqe = &ring->sqes[ring->tail++ & ring->sq_mask];
    memset(sqe, 0, sizeof *sqe);
    return sqe;
}

static inline unsigned ring_ready(struct ring *ring) { return __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) - *ring->cq_head; }
static inline struct io_uring_cqe *ring_cqe(struct ring *ring, unsigned i) { return &ring->cqes[(*ring->cq_head + i) & ring->cq_mask]; }
static inline void ring_seen(struct ring *ring, unsigned count) { __atomic_store_n(ring->cq_head, *ring->cq_head + count, __ATOMIC_RELEASE); }

#endif
