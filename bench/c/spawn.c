// spawn: how long a program takes from its start to its end, and its CPU time, which only its parent can tell.
// usage: spawn PROGRAM ARGUMENT...; the program's output comes first, then one line of spawn's own.
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

int main(int argc, char **argv) {
    struct timespec started, ended;
    struct rusage usage;
    pid_t child;
    int status, error;
    if (argc < 2) { fprintf(stderr, "usage: spawn PROGRAM ARGUMENT...\n"); return 2; }
    clock_gettime(CLOCK_MONOTONIC, &started);
    if ((error = posix_spawnp(&child, argv[1], NULL, NULL, argv + 1, environ))) { fprintf(stderr, "%s: %s\n", argv[1], strerror(error)); return 1; }
    if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status)) { fprintf(stderr, "%s failed\n", argv[1]); return 1; }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    long real = (ended.tv_sec - started.tv_sec) * 1000000L + (ended.tv_nsec - started.tv_nsec) / 1000;
    printf("real_us %ld user_us %ld sys_us %ld ok\n", real, microseconds(usage.ru_utime), microseconds(usage.ru_stime));
}
