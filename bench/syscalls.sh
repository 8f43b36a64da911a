#!/usr/bin/env bash
# Counts the system calls a server makes per request, by name, while the load runs against it. Needs root and linux-perf.
# usage: bench/syscalls.sh SERVER_PID PORT [CONNECTIONS=64] [SECONDS=5] [SIZE=64]
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: bench/syscalls.sh SERVER_PID PORT [CONNECTIONS=64] [SECONDS=5] [SIZE=64]" >&2; exit 2; }
pid=$1 port=$2 connections=${3:-64} seconds=${4:-5} size=${5:-64}
[ -d "/proc/$pid" ] || { echo "there is no process $pid" >&2; exit 1; }
folder=$(cd "$(dirname "$0")" && pwd)
make --silent -C "$folder/c"
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT

# perf counts from just before the load's first connection until its end, and the load prints every request of that time: the
# quotient is exact, save for the few system calls that accept and close the connections.
line=$(perf stat -x, -o "$counts" -e 'syscalls:sys_enter_*' -p "$pid" \
    taskset -c 1 "$folder/out/load" 127.0.0.1 "$port" "$connections" "$size" "$seconds" "$pid")
echo "$line"
requests=$(sed -n 's/.* requests \([0-9]*\).*/\1/p' <<< "$line")

awk -F, -v requests="$requests" '
    function row(name, n) { return sprintf("%-20s %10d  %9.4f per request", name, n, n / requests) }
    $3 ~ /^syscalls:sys_enter_/ { counted = 1; if ($1 + 0 > 0) { all += $1; print row(substr($3, 20), $1) | "sort -k2,2nr" } }
    END {
        if (!counted) { print "perf counted nothing: are tracepoints permitted here?" > "/dev/stderr"; exit 1 }
        close("sort -k2,2nr")
        print row("all", all)
    }' "$counts"
