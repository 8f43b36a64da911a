// echo_limit: the C ceiling for a single-threaded echo server on io_uring.
// usage: echo_limit PORT [single|multi|select] [pollfirst]
//   single     one-shot recv into the connection's own buffer, then send
//   multi      multishot recv over a provided buffer ring, then send from that buffer; in order for ping-pong clients only,
//              because with pipelined requests several sends of one socket are with the kernel at once
//   select     one-shot recv into a buffer of the ring, send from it, give it back, recv again: what ReadLeaseAsync does
//   pollfirst  the recv waits for the socket to be readable before its first attempt
//   fixed      every socket is put into a table of registered files, and requests name its place there instead of its number
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include "ring.h"

enum { ACCEPT = 1, RECV = 2, SEND = 3 };
enum { BUFFERS = 1024, BUFFER_SIZE = 4096, MAX_FD = 65536, PLACES = 8192 };

static struct ring ring;
static struct io_uring_buf *pool;      // the tail of the buffer ring lies in the unused last field of entry 0
static unsigned short pool_tail;
static char *pool_memory;
static char *own[MAX_FD];
static int single, multi, recv_flags, fixed;

static unsigned long long tag(int op, int fd, int bid) {
    return ((unsigned long long)op << 56) | ((unsigned long long)bid << 32) | (unsigned)fd;
}

static void give_back(int bid) {
    struct io_uring_buf *entry = &pool[pool_tail++ & (BUFFERS - 1)];
    entry->addr = (unsigned long)(pool_memory + (size_t)bid * BUFFER_SIZE);
    entry->len = BUFFER_SIZE;
    entry->bid = bid;
}

static void publish_pool(void) { __atomic_store_n(&pool[0].resv, pool_tail, __ATOMIC_RELEASE); }

static void open_pool(void) {
    void *memory;
    if (posix_memalign(&memory, 4096, BUFFERS * sizeof *pool)) die("buffer ring");
    pool = memset(memory, 0, BUFFERS * sizeof *pool);
    struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = 0, .ring_addr = (unsigned long)pool };
    if (syscall(SYS_io_uring_register, ring.index, IORING_REGISTER_PBUF_RING | REGISTER_ON_REGISTERED_RING, &reg, 1)) die("buffer ring");
    pool_memory = malloc((size_t)BUFFERS * BUFFER_SIZE);
    for (int i = 0; i < BUFFERS; i++) give_back(i);
    publish_pool();
}

static void arm_accept(int fd) {
    struct io_uring_sqe *sqe = ring_sqe(&ring);
    sqe->opcode = IORING_OP_ACCEPT;
    sqe->fd = fd;
    sqe->ioprio = IORING_ACCEPT_MULTISHOT;
    sqe->user_data = tag(ACCEPT, fd, 0);
}

static void arm_recv(int fd) {
    struct io_uring_sqe *sqe = ring_sqe(&ring);
    sqe->opcode = IORING_OP_RECV;
    sqe->fd = fd;
    sqe->ioprio = recv_flags;
    if (fixed) sqe->flags = IOSQE_FIXED_FILE;
    if (single) {
        if (!own[fd]) own[fd] = malloc(BUFFER_SIZE);
        sqe->addr = (unsigned long)own[fd];
        sqe->len = BUFFER_SIZE;
    } else {
        sqe->flags |= IOSQE_BUFFER_SELECT;   // the kernel picks a buffer of group 0; len 0: as long as that buffer
    }
    sqe->user_data = tag(RECV, fd, 0);
}

static void send_back(int fd, int bid, int length) {
    struct io_uring_sqe *sqe = ring_sqe(&ring);
    sqe->opcode = IORING_OP_SEND;
    sqe->fd = fd;
    sqe->addr = (unsigned long)(single ? own[fd] : pool_memory + (size_t)bid * BUFFER_SIZE);
    sqe->len = length;
    sqe->msg_flags = MSG_WAITALL;
    if (fixed) sqe->flags = IOSQE_FIXED_FILE;
    sqe->user_data = tag(SEND, fd, bid);
}

// The socket's place in the table is its number; -1 empties the place.
static void set_place(int place, int fd) {
    struct io_uring_files_update update = { .offset = place, .fds = (unsigned long)&fd };
    if (fixed && syscall(SYS_io_uring_register, ring.index, IORING_REGISTER_FILES_UPDATE | REGISTER_ON_REGISTERED_RING, &update, 1) != 1) die("registered file");
}

static void open_places(void) {
    struct io_uring_rsrc_register table = { .nr = PLACES, .flags = IORING_RSRC_REGISTER_SPARSE };
    if (syscall(SYS_io_uring_register, ring.index, IORING_REGISTER_FILES2 | REGISTER_ON_REGISTERED_RING, &table, sizeof table)) die("registered files");
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 9000, one = 1;
    const char *mode = argc > 2 ? argv[2] : "multi";
    single = !strcmp(mode, "single");
    multi = !strcmp(mode, "multi");
    if (!single && !multi && strcmp(mode, "select")) { fprintf(stderr, "usage: echo_limit PORT [single|multi|select] [pollfirst] [fixed]\n"); return 2; }
    if (multi) recv_flags |= IORING_RECV_MULTISHOT;
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "pollfirst")) recv_flags |= IORING_RECVSEND_POLL_FIRST;
        if (!strcmp(argv[i], "fixed")) fixed = 1;
    }

    int listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) die("bind");

    ring_open(&ring, 2048, 8192);
    if (!single) open_pool();
    if (fixed) open_places();
    arm_accept(listener);

    for (;;) {
        ring_enter(&ring, 1);
        unsigned ready = ring_ready(&ring);
        int returned = 0;
        for (unsigned i = 0; i < ready; i++) {
            struct io_uring_cqe *cqe = ring_cqe(&ring, i);
            int op = cqe->user_data >> 56, fd = (int)(cqe->user_data & 0xffffffff), bid = (cqe->user_data >> 32) & 0xffffff;
            if (op == ACCEPT) {
                if (cqe->res >= 0 && cqe->res < (fixed ? PLACES : MAX_FD)) {
                    set_place(cqe->res, cqe->res);
                    setsockopt(cqe->res, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    arm_recv(cqe->res);
                }
                if (!(cqe->flags & IORING_CQE_F_MORE)) arm_accept(listener);
            } else if (op == RECV) {
                bid = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
                if (cqe->res > 0) {
                    send_back(fd, bid, cqe->res);
                    if (multi && !(cqe->flags & IORING_CQE_F_MORE)) arm_recv(fd);
                } else {
                    if (cqe->flags & IORING_CQE_F_BUFFER) { give_back(bid); returned = 1; }
                    if (cqe->res == -ENOBUFS) arm_recv(fd);
                    else { set_place(fd, -1); close(fd); }
                }
            } else {
                if (!single) { give_back(bid); returned = 1; }
                if (!multi) arm_recv(fd);
            }
        }
        ring_seen(&ring, ready);
        if (returned) publish_pool();
    }
}
