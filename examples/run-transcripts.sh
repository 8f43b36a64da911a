#!/usr/bin/env bash
# Runs examples and compares everything they print with examples/expected/NAME.txt.
#
#   examples/run-transcripts.sh [--update] [--from FOLDER] [NAME...]
#
# NAME is that of NAME.cs, stock-NAME of its twin stock/NAME.cs, ladder-NN of ladder/NN-*.cs. expected/NAME.sh, where it is there,
# says how to run it (the twin's way too) with the functions below; else it is run without arguments.
# --update writes the transcripts instead of comparing; --from takes NAME.cs from another folder, against the same transcripts.
# Numbers that differ from run to run are masked on both sides, by `mask` below. Ends with "N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
from=$here
update=false
names=()
while [ $# -gt 0 ]; do
    case $1 in
        --update) update=true ;;
        --from) from=$(cd "$2" && pwd); shift ;;
        -*) echo "unknown option $1" >&2; exit 2 ;;
        *) names+=("$1") ;;
    esac
    shift
done
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names < <(cd "$from" && { ls ./*.cs; ls stock/*.cs | sed 's|/|-|'; ls ladder/*.cs | sed -E 's|/([0-9]+)-.*|-\1|'; ls "$here"/expected/*.txt; } \
        2> /dev/null | sed -E 's|.*/||; s|\.[a-z]+$||' | sort -u)
fi

export LC_ALL=C.UTF-8 NO_COLOR=1 DOTNET_NOLOGO=1
scratch=$(mktemp -d)
server=
behind=
trap 'rm -rf "$scratch"' EXIT

# What a run may change: ports, addresses in memory, process ids, versions, rates, times, shares, and any number written with
# a decimal point or thousands separators; in a trace the fd, generation and enter numbers and the sizes of batches; what depends
# on the kernel and on the tools that are installed. Columns move with them, so runs of spaces and rules count as one.
mask() {
    sed -E \
        -e 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/\r$//; s/.*\r//' \
        -e 's/(([0-9]{1,3}\.){3}[0-9]{1,3}|\]|localhost):[0-9]{1,5}\b/\1:PORT/g' \
        -e 's/\b0x[0-9a-fA-F]{6,16}\b/ADDRESS/g' \
        -e 's/\bpid [0-9]+/pid PID/g' \
        -e 's/(^|[^.0-9])[0-9]+(\.[0-9]+){2}([-+][0-9A-Za-z.+-]+)?($|[^.0-9])/\1VERSION\4/g' \
        -e 's/[0-9][0-9.,]* ?[kMG]?(i?B| ?req| ?requests| ?ops| ?bytes)?\/s\b/RATE/g' \
        -e 's/[0-9][0-9.,]* ?(ns|µs|us|ms|s|seconds|minutes)\b/TIME/g' \
        -e 's/[0-9][0-9.,]* ?%/SHARE/g' \
        -e 's/\b[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?\b/NUMBER/g; s/([^.0-9]|^)[0-9]+\.[0-9]+($|[^.0-9])/\1NUMBER\2/g' \
        -e 's/^(system +|)Linux .*/\1SYSTEM/; s/^opcodes +[0-9]+/opcodes NUMBER/; s/^  (yes|no |off) .*/  ANSWER/' \
        -e 's/\b(fd|gen|enter)([ =])[0-9]+/\1\2NUMBER/g; s/\b[0-9]+ (SQE|CQE|completion)s?/NUMBER \1/g' \
        -e 's/needs perf|perf may not count here|perf counted nothing/NUMBER/' \
        -e 's/([^ ]) {2,}/\1 /g; s/([─═-])[─═-]+/\1\1/g; s/ +$//'
}

# example [ARGUMENT...]: the example at hand, with the standard streams of the caller.
example() { dotnet "$(dll_of "$name")" "$@"; }

# same WHAT FILE: whether standard input has the bytes of FILE, by hash.
same() {
    if [ "$(sha256sum)" = "$(sha256sum < "$2")" ]; then echo "$1: the same bytes"; else echo "$1: NOT THE SAME BYTES"; fi
}

# serve_behind NAME [ARGUMENT...]: a RingCore example that another one talks to; its port is $port. end_behind ends it.
serve_behind() {
    local tick program
    program=$(dll_of "$1")
    : > "$scratch/behind" # Here, not only by the server: what the last one said must not be read.
    setsid dotnet "$program" "${@:2}" < /dev/null > "$scratch/behind" 2>&1 &
    behind=$!
    for ((tick = 0; tick < 600; tick++)); do
        port=$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p' "$scratch/behind")
        [ -z "$port" ] && kill -0 "$behind" 2>/dev/null || break
        sleep 0.1
    done
}
end_behind() {
    kill "-${1:-TERM}" "$behind" 2>/dev/null || true
    wait "$behind" 2>/dev/null || true
    behind=
}

# run FILE [ARGUMENT...]: an example that ends by itself.
run() {
    local code=0
    timeout -k 10 300 dotnet run --no-build "$@" < /dev/null 2>&1 || code=$?
    echo "exit $code"
}

# serve CLIENT FILE [ARGUMENT...]: a server. Waits for "listening on ADDRESS:PORT", lets CLIENT talk to that port, sends SIGTERM.
serve() {
    local client=$1 out=$scratch/server port= code=0 tick
    shift
    : > "$out"
    setsid dotnet run --no-build "$@" < /dev/null > "$out" 2>&1 &
    server=$!
    for ((tick = 0; tick < 1200; tick++)); do
        port=$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p' "$out" | head -n 1)
        [ -z "$port" ] && kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    [ -z "$port" ] || $client "$port" > "$scratch/client" 2>&1 || echo "client: failed" >> "$scratch/client"
    kill -TERM "$server" 2>/dev/null || true
    for ((tick = 0; tick < 150; tick++)); do
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    if kill -0 "$server" 2>/dev/null; then
        echo "still running 15 s after SIGTERM" >> "$out"
        kill -KILL -- "-$server" 2>/dev/null || true
    fi
    wait "$server" 2>/dev/null || code=$?
    server=
    cat "$out"
    [ -z "$port" ] || cat "$scratch/client"
    echo "exit $code"
}

# ask PORT: sends standard input to that port and prints what comes back until the end.
ask() {
    local socket
    exec {socket}<>"/dev/tcp/127.0.0.1/$1"
    cat >&"$socket"
    timeout 20 cat <&"$socket"
    exec {socket}>&-
}

# Two lines out and back on one connection.
echo_client() {
    local socket line sent
    exec {socket}<>"/dev/tcp/127.0.0.1/$1"
    for sent in "hello" "and again"; do
        printf '%s\n' "$sent" >&"$socket"
        IFS= read -r -t 10 line <&"$socket"
        echo "client: sent \"$sent\", received \"$line\""
    done
    exec {socket}>&-
}

# One GET: the status line and the body.
http_client() {
    printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' | ask "$1" | tr -d '\r' | awk 'NR == 1 || body { print "client: " $0 } $0 == "" { body = 1 }'
}

program_of() {
    case $1 in
        expected-*) echo "$here/expected/${1#expected-}.cs" ;; # Only a help for a transcript.
        stock-*) echo "$from/stock/${1#stock-}.cs" ;;
        ladder-*) echo "$from"/ladder/"${1#ladder-}"-*.cs ;;
        *) echo "$from/$1.cs" ;;
    esac
}

transcript() ( # In a shell of its own: what expected/NAME.sh defines and starts ends with it.
    trap 'for group in $server $behind; do kill -KILL -- "-$group" 2>/dev/null || true; done' EXIT
    set +e
    how=$here/expected/${1#stock-}.sh
    program=$(program_of "$1")
    if [ -f "$how" ]; then . "$how"; else run "$program"; fi
)

# build NAME: what it prints tells where the program is.
build() { dotnet build "$(program_of "$1")" -v minimal -nologo > "$scratch/build.$1" 2>&1 || cat "$scratch/build.$1"; }
dll_of() {
    [ -f "$scratch/build.$1" ] || build "$1" >&2
    sed -nE 's/.* -> (.*\.dll)$/\1/p' "$scratch/build.$1" | tail -n 1
}

# Most of the time goes into building: one program first, because it builds RingCore for all, then as many at a time as there are processors.
export here from scratch
export -f build program_of
build "${names[0]}"
printf '%s\n' "${names[@]:1}" | xargs -r -P "$(nproc)" -I {} bash -c 'build {}'

passed=0
failed=0
for name in "${names[@]}"; do
    expected=$here/expected/$name.txt
    SECONDS=0
    transcript "$name" > "$scratch/raw" || true # Whatever went wrong is missing in its output.
    mask < "$scratch/raw" > "$scratch/actual"
    if $update && grep -q '^Unhandled exception' "$scratch/actual"; then
        echo "$name crashed: that is no transcript" >&2
    elif $update; then
        mkdir -p "$here/expected"
        cp "$scratch/actual" "$expected"
    fi
    if [ -f "$expected" ] && mask < "$expected" | diff -u --label "expected/$name.txt" --label "$name.cs" - "$scratch/actual" > "$scratch/diff"; then
        echo "ok      $name (${SECONDS} s)"
        passed=$((passed + 1))
    else
        echo "FAILED  $name (${SECONDS} s)"
        if [ -f "$expected" ]; then cat "$scratch/diff"; else echo "no expected/$name.txt; it printed:"; cat "$scratch/raw"; fi
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
