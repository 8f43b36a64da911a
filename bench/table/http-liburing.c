// http-liburing.c: the C column's HTTP server, and the server that every column's requests go to. One ring, one thread.
// usage: http-liburing PORT
// One-shot receive into the connection's own buffer, then send; an answer to a request with `Connection: close` is followed by close(2).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096, BUFFER = 4096, MAX_FD = 65536, ACCEPT = 0 };   // user_data: ACCEPT, or a connection
struct connection { int fd, length, sending, closing; const char *answer; char buffer[BUFFER + 1]; };

static const char keep[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!";
static const char last[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, World!";
static struct io_uring ring;
static struct connection *connections[MAX_FD];

static void die(const char *what) { perror(what); exit(1); }

static struct io_uring_sqe *sqe(void) {
    struct io_uring_sqe *next;
    while (!(next = io_uring_get_sqe(&ring))) io_uring_submit(&ring);
    return next;
}

static void arm_accept(int listener) {
    struct io_uring_sqe *request = sqe();
    io_uring_prep_multishot_accept(request, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(request, ACCEPT);
}

static void receive(struct connection *to) {
    struct io_uring_sqe *request = sqe();
    io_uring_prep_recv(request, to->fd, to->buffer + to->length, BUFFER - to->length, 0);
    io_uring_sqe_set_data(request, to);
    to->sending = 0;
}

// Answers the first request in the buffer when all of it is there, else reads on.
static void answer_or_receive(struct connection *to) {
    to->buffer[to->length] = 0;
    char *end = strstr(to->buffer, "\r\n\r\n");
    if (!end) { receive(to); return; }
    *end = 0;
    to->closing = strcasestr(to->buffer, "\r\nConnection: close") != NULL;
    to->answer = to->closing ? last : keep;
    to->length -= end + 4 - to->buffer;
    memmove(to->buffer, end + 4, to->length);
    struct io_uring_sqe *request = sqe();
    io_uring_prep_send(request, to->fd, to->answer, strlen(to->answer), MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_data(request, to);
    to->sending = 1;
}

static void accepted(int fd) {
    int one = 1;
    if (fd >= MAX_FD) { close(fd); return; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!connections[fd]) connections[fd] = malloc(sizeof *connections[fd]);
    connections[fd]->fd = fd;
    connections[fd]->length = 0;
    receive(connections[fd]);
}

static void completed(struct connection *of, int res) {
    if (of->sending ? res < (int)strlen(of->answer) || of->closing : res <= 0 || of->length + res == BUFFER) {
        close(of->fd);   // answered for the last time, the peer has gone, or its request is too long
        return;
    }
    if (!of->sending) of->length += res;
    answer_or_receive(of);
}

int main(int argc, char **argv) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 8080), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, BACKLOG)) die("bind");
    struct io_uring_params params = { .cq_entries = 8192, .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
        | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP };
    if (io_uring_queue_init_params(2048, &ring, &params)) die("io_uring_setup");
    io_uring_register_ring_fd(&ring);
    arm_accept(listener);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, cqe) {
            seen++;
            if (cqe->user_data != ACCEPT) completed(io_uring_cqe_get_data(cqe), cqe->res);
            else {
                if (cqe->res >= 0) accepted(cqe->res);
                if (!(cqe->flags & IORING_CQE_F_MORE)) arm_accept(listener);
            }
        }
        io_uring_cq_advance(&ring, seen);
    }
}
