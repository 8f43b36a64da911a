# An echo server behind it: two lines; ten megabytes out while they come back; then it vanishes.
proxy_client() {
    local socket
    echo_client "$1"
    exec {socket}<>"/dev/tcp/127.0.0.1/$1"
    cat "$scratch/big" >&"$socket" &
    head -c 10M <&"$socket" | same "10 MiB through it" "$scratch/big"
    end_behind KILL
    timeout 10 cat <&"$socket" > "$scratch/rest" 2>&1 || true
    sed -E 's/^cat: [^:]*: //' "$scratch/rest"
    exec {socket}>&-
    echo "nobody behind it any more:"
    echo hello | ask "$1" 2>&1 | sed -E 's/^cat: [^:]*: //'
}
head -c 10M /dev/urandom > "$scratch/big"
serve_behind echo 127.0.0.1:0
serve proxy_client "$program" 127.0.0.1:0 "127.0.0.1:$port"
rm -f "$scratch/big"

# One side ends its sending side, and the other still has all to say.
half_close_client() {
    local tick
    timeout 60 dotnet "$(dll_of expected-half-close)" "$1"
    for ((tick = 0; tick < 100; tick++)); do # Its last bytes may still be on their way.
        [ "$(grep -c '^far end' "$scratch/behind")" -lt 2 ] || break
        sleep 0.1
    done
}
serve_behind expected-half-close
serve half_close_client "$program" 127.0.0.1:0 "127.0.0.1:$port"
sed 1d "$scratch/behind"
end_behind
