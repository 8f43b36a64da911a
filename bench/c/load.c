// load: closed-loop TCP ping-pong client on io_uring, leaner than any server it measures.
// usage: load HOST PORT CONNECTIONS SIZE SECONDS [SERVER_PID]
// prints one line: requests per second, latency percentiles in microseconds, errors, all requests with those of
// the warm-up, and with SERVER_PID the CPU time of the whole server process per request (all threads, user + system), which stays
// fair when the client is the limit.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long long u64;
enum { RECV = 1, SEND = 2 };
enum { BUFFERS = 4096, BUFFER_SIZE = 8192, BUCKETS = 2000000 };   // one bucket is 100 ns, the last one 200 ms

struct connection { int fd, got; u64 sent_at; };

static struct io_uring ring;
static struct connection *connections;
static char *message;
static int size;
static unsigned histogram[BUCKETS];

static u64 now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }

static u64 process_cpu_ns(int pid) {
    if (!pid) return 0;
    char command[128];
    snprintf(command, sizeof command, "cat /proc/%d/task/*/schedstat 2>/dev/null", pid);
    FILE *file = popen(command, "r");
    u64 run, wait, slices, total = 0;
    while (fscanf(file, "%llu %llu %llu", &run, &wait, &slices) == 3) total += run;
    pclose(file);
    return total;
}

static struct io_uring_sqe *get(void) {
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&ring))) io_uring_submit(&ring);
    return sqe;
}

static void arm_recv(int i) {
    struct io_uring_sqe *sqe = get();
    io_uring_prep_recv_multishot(sqe, connections[i].fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    sqe->user_data = ((u64)RECV << 56) | i;
}

static void send_message(int i) {
    struct io_uring_sqe *sqe = get();
    io_uring_prep_send(sqe, connections[i].fd, message, size, MSG_WAITALL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = ((u64)SEND << 56) | i;
}

int main(int argc, char **argv) {
    if (argc < 6) { fprintf(stderr, "usage: load HOST PORT CONNECTIONS SIZE SECONDS [SERVER_PID]\n"); return 2; }
    int count = atoi(argv[3]), pid = argc > 6 ? atoi(argv[6]) : 0, one = 1;
    size = atoi(argv[4]);
    double seconds = atof(argv[5]);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[2])) };
    inet_pton(AF_INET, argv[1], &address.sin_addr);
    connections = calloc(count, sizeof *connections);
    message = malloc(size);
    for (int i = 0; i < size; i++) message[i] = 'a' + i % 26;

    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL
               | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
        .cq_entries = 16384,
    };
    if (io_uring_queue_init_params(4096, &ring, &params) < 0) { perror("io_uring_setup"); return 1; }
    io_uring_register_ring_fd(&ring);
    void *memory;
    if (posix_memalign(&memory, 4096, BUFFERS * sizeof(struct io_uring_buf))) return 1;
    struct io_uring_buf_ring *pool = memory;
    struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = 0, .ring_addr = (unsigned long)pool };
    if (io_uring_register_buf_ring(&ring, &reg, 0)) { perror("buffer ring"); return 1; }
    io_uring_buf_ring_init(pool);
    char *buffers = malloc((size_t)BUFFERS * BUFFER_SIZE);
    int mask = io_uring_buf_ring_mask(BUFFERS);
    for (int i = 0; i < BUFFERS; i++) io_uring_buf_ring_add(pool, buffers + (size_t)i * BUFFER_SIZE, BUFFER_SIZE, i, mask, i);
    io_uring_buf_ring_advance(pool, BUFFERS);

    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (void *)&address, sizeof address)) { perror("connect"); return 1; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connections[i].fd = fd;
        arm_recv(i);
    }

    u64 done = 0, warm_up = 0, errors = 0, warm_until = now() + 1000000000ull, start = 0, end = 0, finish, cpu_before = 0;
    int silent_seconds = 0;
    for (int i = 0; i < count; i++) { connections[i].sent_at = now(); send_message(i); }
    for (;;) {
        struct io_uring_cqe *cqe;
        struct __kernel_timespec second = { 1, 0 };
        int waited = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &second, NULL);
        u64 t = now();
        if (!start && t > warm_until) {                       // the first second warms up and does not count
            warm_up = done;
            done = 0;
            memset(histogram, 0, sizeof histogram);
            cpu_before = process_cpu_ns(pid);
            start = now();
            end = start + (u64)(seconds * 1e9);
        }
        if (start && t > end) break;
        if (waited == -ETIME) { if (++silent_seconds > 4) { errors++; if (!start) start = warm_until; break; } continue; }
        silent_seconds = 0;
        unsigned head, seen = 0, returned = 0;
        io_uring_for_each_cqe(&ring, head, cqe) {
            seen++;
            int op = cqe->user_data >> 56, i = (int)(cqe->user_data & 0xffffffff);
            struct connection *c = &connections[i];
            if (op == SEND) { if (cqe->res < 0) errors++; continue; }
            if (cqe->flags & IORING_CQE_F_BUFFER) {
                int bid = cqe->flags >> 16;
                char *data = buffers + (size_t)bid * BUFFER_SIZE;
                for (int j = 0; j < cqe->res; j += 61)
                    if (data[j] != message[(c->got + j) % size]) { errors++; break; }
                io_uring_buf_ring_add(pool, data, BUFFER_SIZE, bid, mask, returned++);
            }
            if (cqe->res <= 0 && cqe->res != -ENOBUFS) { errors++; continue; }
            if (cqe->res > 0) {
                c->got += cqe->res;
                if (c->got >= size) {
                    u64 bucket = (t - c->sent_at) / 100;
                    histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
                    done++;
                    c->got -= size;
                    c->sent_at = t;
                    send_message(i);
                }
            }
            if (!(cqe->flags & IORING_CQE_F_MORE)) arm_recv(i);
        }
        io_uring_cq_advance(&ring, seen);
        if (returned) io_uring_buf_ring_advance(pool, returned);
    }
    finish = now();
    u64 cpu = process_cpu_ns(pid) - cpu_before, total = 0, running = 0, p50 = 0, p99 = 0, p999 = 0, max = 0;
    for (int i = 0; i < BUCKETS; i++) total += histogram[i];
    for (int i = 0; i < BUCKETS; i++) {
        running += histogram[i];
        if (histogram[i]) max = i;
        if (total && !p50 && running * 2 >= total) p50 = i;
        if (total && !p99 && running * 100 >= total * 99) p99 = i;
        if (total && !p999 && running * 1000 >= total * 999) p999 = i;
    }
    double elapsed = (finish - start) / 1e9;
    printf("rps %.0f p50us %.1f p99us %.1f p999us %.1f maxus %.1f errors %llu requests %llu",
        done / elapsed, p50 / 10.0, p99 / 10.0, p999 / 10.0, max / 10.0, errors, warm_up + done);
    if (pid) printf(" cpu_us_per_request %.3f cpu_percent %.0f", done ? cpu / 1e3 / done : 0, cpu / 1e7 / elapsed);
    printf("\n");
    return errors ? 1 : 0;
}
