// nop_limit: the C ceiling for operations that do nothing: submit a batch of NOPs, take their completions, again.
// usage: nop_limit [batch=32] [seconds=3]
// prints: ops_per_second N
#define _GNU_SOURCE
#include <time.h>
#include "ring.h"

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }

int main(int argc, char **argv) {
    int batch = 32;
    double seconds = 3;
    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "batch=%d", &batch) != 1 && sscanf(argv[i], "seconds=%lf", &seconds) != 1) batch = 0;
    if (batch < 1 || batch > 4096) { fprintf(stderr, "usage: nop_limit [batch=1..4096] [seconds=3]\n"); return 2; }

    struct ring ring;
    ring_open(&ring, 4096, 16384);
    unsigned long long done = 0, sum = 0;
    double start = now(), elapsed = 0;
    while (elapsed < seconds) {
        for (int round = 0; round < 1000; round++) {
            for (int i = 0; i < batch; i++) {
                struct io_uring_sqe *sqe = ring_sqe(&ring);
                sqe->opcode = IORING_OP_NOP;
                sqe->user_data = i;
            }
            ring_enter(&ring, 1);
            unsigned ready = ring_ready(&ring);
            for (unsigned i = 0; i < ready; i++) {
                struct io_uring_cqe *cqe = ring_cqe(&ring, i);
                if (cqe->res) die("nop");
                sum += cqe->user_data;
            }
            ring_seen(&ring, ready);
            done += ready;
        }
        elapsed = now() - start;
    }
    if (sum != done / batch * ((unsigned long long)batch * (batch - 1) / 2)) { fprintf(stderr, "completions are missing or doubled\n"); return 1; }
    printf("ops_per_second %.0f\n", done / elapsed);
}
