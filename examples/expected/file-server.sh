# Files small, empty and large, the ways out of the folder, what is not a GET.
mkdir -p "$scratch/folder/sub"
echo "hello" > "$scratch/folder/index.html"
echo "spaced" > "$scratch/folder/sub/a b"
: > "$scratch/folder/empty"
head -c 20000000 /dev/urandom > "$scratch/folder/big"
ln -sf /etc/passwd "$scratch/folder/out"
ln -sf index.html "$scratch/folder/in"
ask() { # METHOD PATH: the status line and the body, if it is short.
    exec {socket}<>"/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' "$1" "$2" >&"$socket"
    echo "client: $1 $2: $(timeout 20 cat <&"$socket" | tr -d '\r' | awk 'NR == 1 || body || /^Content-Length/ { print } $0 == "" { body = 1 }' | tr '\n' ' ')"
    exec {socket}>&-
}
talk() {
    local port=$1 socket path
    for path in / /index.html /in /empty /sub/a%20b /sub /none /out /../etc/passwd /sub/%2e%2e/index.html /..%2fetc/passwd //etc/passwd /%00; do
        ask GET "$path"
    done
    ask HEAD /big
    ask POST /
    exec {socket}<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >&"$socket"
    timeout 60 cat <&"$socket" > "$scratch/answers" # Both on one connection.
    exec {socket}>&-
    cmp <(tail -c +$((1 + $(head -c 1000 "$scratch/answers" | grep -abo $'^\r$' | head -n 1 | cut -d: -f 1) + 2)) "$scratch/answers" | head -c 20000000) "$scratch/folder/big" && echo "client: GET /big: the same"
    tail -n 1 "$scratch/answers"
}
serve talk "$program" "$scratch/folder" 127.0.0.1:0
