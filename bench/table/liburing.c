// liburing.c: the C column of the table, on one ring.
// usage: liburing ROW key=value...; what the rows do and print: bench/README.md, "The table".
//   cat      depth buffers, each of them read, then written, then read again further on
//   files    every file open, read, closed: the ops of all files together in each enter
//   requests each task's connect, send and receive are one chain of linked requests
//   timer    one TIMEOUT request after another
//   start    opens and reads one file
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct io_uring ring;
static char **options;

static void fail(const char *what, int res) {
    fprintf(stderr, "%s: %s\n", what, res < 0 ? strerror(-res) : "not what was expected");
    exit(1);
}

static const char *text(const char *key, const char *otherwise) {
    size_t length = strlen(key);
    for (char **option = options; *option; option++)
        if (!strncmp(*option, key, length) && (*option)[length] == '=') return *option + length + 1;
    return otherwise;
}

static long number(const char *key, long otherwise) {
    const char *value = text(key, NULL);
    return value ? atol(value) : otherwise;
}

static struct io_uring_sqe *sqe(void) {
    struct io_uring_sqe *next;
    while (!(next = io_uring_get_sqe(&ring))) io_uring_submit(&ring);
    return next;
}

static void wait_for_some(void) {
    int res = io_uring_submit_and_wait(&ring, 1);
    if (res < 0 && res != -EINTR) fail("io_uring_enter", res);
}

static struct io_uring_cqe *next_cqe(void) {
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&ring, &cqe)) wait_for_some();
    return cqe;
}

// ---- cat: a chunk keeps its buffer until all of it is written; offsets are explicit, so chunks may end in any order.
struct chunk { char *memory; long start, read, written; int reading; };

static void next_step(struct chunk *chunk, int from, int to, long end) {
    struct io_uring_sqe *request = sqe();
    long wanted = end - chunk->start, left = wanted - (chunk->reading ? chunk->read : chunk->written);
    if (chunk->reading) io_uring_prep_read(request, from, chunk->memory + chunk->read, left, chunk->start + chunk->read);
    else io_uring_prep_write(request, to, chunk->memory + chunk->written, left, chunk->start + chunk->written);
    io_uring_sqe_set_data(request, chunk);
}

static void cat(void) {
    static struct chunk *chunks;
    long size = number("size", 0), buffer = number("buffer", 262144), depth = number("depth", 4), begun = 0, copied = 0;
    int from = open(text("from", ""), O_RDONLY), to = open(text("to", ""), O_WRONLY | O_CREAT, 0644);
    if (from < 0 || to < 0) fail("open", -errno);
    if (!chunks) {
        chunks = calloc(depth, sizeof *chunks);
        for (int i = 0; i < depth; i++) chunks[i].memory = aligned_alloc(4096, buffer);
    }
#define END(chunk) ((chunk)->start + buffer < size ? (chunk)->start + buffer : size)
    for (int i = 0; i < depth && begun < size; i++, begun += buffer) {
        chunks[i] = (struct chunk){ .memory = chunks[i].memory, .start = begun, .reading = 1 };
        next_step(&chunks[i], from, to, END(&chunks[i]));
    }
    while (copied < size) {
        struct io_uring_cqe *cqe = next_cqe();
        struct chunk *chunk = io_uring_cqe_get_data(cqe);
        int res = cqe->res;
        io_uring_cqe_seen(&ring, cqe);
        if (res <= 0) fail(chunk->reading ? "read" : "write", res);
        if (chunk->reading) {
            chunk->read += res;
            chunk->reading = chunk->start + chunk->read < END(chunk);
        } else {
            chunk->written += res;
            copied += res;
            if (chunk->start + chunk->written == END(chunk)) {
                if (begun >= size) continue;
                *chunk = (struct chunk){ .memory = chunk->memory, .start = begun, .reading = 1 };
                begun += buffer;
            }
        }
        next_step(chunk, from, to, END(chunk));
    }
    struct stat status;
    if (fstat(to, &status) || status.st_size != size) fail("size of the copy", 0);
    close(from);
    close(to);
}

// ---- files: each carries its number in its first and last eight bytes.
enum { OPEN, READ, CLOSE };
struct file { char path[256], *memory; int fd, step; };

static void files(void) {
    static struct file *all;
    long count = number("count", 100), size = number("size", 4096), left = count;
    if (!all) {
        all = calloc(count, sizeof *all);
        for (long i = 0; i < count; i++) {
            snprintf(all[i].path, sizeof all[i].path, "%s/%03ld", text("dir", "."), i);
            all[i].memory = malloc(size + 1);
        }
    }
    for (long i = 0; i < count; i++) {
        struct io_uring_sqe *request = sqe();
        io_uring_prep_openat(request, AT_FDCWD, all[i].path, O_RDONLY | O_CLOEXEC, 0);
        io_uring_sqe_set_data(request, &all[i]);
        all[i].step = OPEN;
    }
    while (left > 0) {
        struct io_uring_cqe *cqe = next_cqe();
        struct file *file = io_uring_cqe_get_data(cqe);
        int res = cqe->res;
        io_uring_cqe_seen(&ring, cqe);
        if (res < 0) fail(file->path, res);
        if (file->step == CLOSE) { left--; continue; }
        struct io_uring_sqe *request = sqe();
        if (file->step == OPEN) {
            io_uring_prep_read(request, file->fd = res, file->memory, size + 1, 0);   // one byte more: that it ends is seen, too
        } else {
            long index = file - all, first, last;
            memcpy(&first, file->memory, 8);
            memcpy(&last, file->memory + size - 8, 8);
            if (res != size || first != index || last != index) fail(file->path, 0);
            io_uring_prep_close(request, file->fd);
        }
        io_uring_sqe_set_data(request, file);
        file->step++;
    }
}

// ---- requests: one connection each; the answer ends with the server's close.
struct task { int fd; long left; char answer[4096]; };
static const char request_text[] = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
static struct sockaddr_in server;

static void request(struct task *task) {
    task->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (task->fd < 0) fail("socket", -errno);
    if (io_uring_sq_space_left(&ring) < 3) io_uring_submit(&ring);   // a chain must not be cut by a submission
    struct io_uring_sqe *step = sqe();
    io_uring_prep_connect(step, task->fd, (struct sockaddr *)&server, sizeof server);
    io_uring_sqe_set_flags(step, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data(step, NULL);
    step = sqe();
    io_uring_prep_send(step, task->fd, request_text, sizeof request_text - 1, MSG_WAITALL);
    io_uring_sqe_set_flags(step, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data(step, NULL);
    step = sqe();
    io_uring_prep_recv(step, task->fd, task->answer, sizeof task->answer, MSG_WAITALL);   // to the end of the stream
    io_uring_sqe_set_data(step, task);
}

static void requests(void) {
    static struct task *tasks;
    static const char body[] = "\r\n\r\nHello, World!";
    long count = number("count", 100), width = number("tasks", 1), left = count;
    int length = number("answer", 0);
    if (!tasks) tasks = calloc(width, sizeof *tasks);
    server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(number("port", 0)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    for (long i = 0; i < width; i++) {
        tasks[i].left = count / width;
        request(&tasks[i]);
    }
    while (left > 0) {
        struct io_uring_cqe *cqe = next_cqe();
        struct task *task = io_uring_cqe_get_data(cqe);
        int res = cqe->res;
        io_uring_cqe_seen(&ring, cqe);
        if (!task || res != length || memcmp(task->answer, "HTTP/1.1 200", 12) || memcmp(task->answer + res - 17, body, 17)) fail("request", res);
        close(task->fd);
        left--;
        if (--task->left > 0) request(task);
    }
}

static long now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static long timer_errors, timers;

static void timer(void) {
    timer_errors = timers = 0;
    long count = number("count", 200), delay = number("delay_us", 1000) * 1000;
    for (long i = 0; i < count; i++) {
        long started = now_ns();
        struct __kernel_timespec time = { .tv_nsec = delay };
        io_uring_prep_timeout(sqe(), &time, 0, 0);
        struct io_uring_cqe *cqe = next_cqe();
        timer_errors += labs(now_ns() - started - delay);
        timers++;
        if (cqe->res != -ETIME) fail("timer", cqe->res);
        io_uring_cqe_seen(&ring, cqe);
    }
}

// ---- start: one small file, as the first thing a process does.
static void start(void) {
    long content[512] = { -1 };
    io_uring_prep_openat(sqe(), AT_FDCWD, text("path", ""), O_RDONLY | O_CLOEXEC, 0);
    struct io_uring_cqe *cqe = next_cqe();
    int fd = cqe->res;
    io_uring_cqe_seen(&ring, cqe);
    if (fd < 0) fail("open", fd);
    io_uring_prep_read(sqe(), fd, content, sizeof content, 0);
    cqe = next_cqe();
    if (cqe->res != sizeof content || content[0] || content[511]) fail("read", cqe->res);
    io_uring_cqe_seen(&ring, cqe);
    close(fd);
}

static long microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

int main(int argc, char **argv) {
    static const struct { const char *name; void (*run)(void); } rows[] = {
        { "cat", cat }, { "files", files }, { "requests", requests }, { "timer", timer }, { "start", start } };
    enum { ROWS = sizeof rows / sizeof *rows };
    options = argv + (argc > 1 ? 2 : 1);
    unsigned row = 0;
    while (row < ROWS && (argc < 2 || strcmp(argv[1], rows[row].name))) row++;
    if (row == ROWS) { fprintf(stderr, "usage: liburing cat|files|requests|timer|start key=value...\n"); return 2; }

    struct io_uring_params params = { .cq_entries = 8192, .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
        | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP };
    int res = io_uring_queue_init_params(512, &ring, &params);
    if (res < 0) fail("io_uring_setup", res);
    io_uring_register_ring_fd(&ring);

    for (long i = number("warmup", 1); i > 0; i--) rows[row].run();
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    long started = now_ns();
    rows[row].run();
    long real = now_ns() - started;
    getrusage(RUSAGE_SELF, &after);
    printf("real_us %ld user_us %ld sys_us %ld ", real / 1000,
        microseconds(after.ru_utime) - microseconds(before.ru_utime), microseconds(after.ru_stime) - microseconds(before.ru_stime));
    if (timers) printf("error_us %ld ", timer_errors / timers / 1000);
    puts("ok");
}
