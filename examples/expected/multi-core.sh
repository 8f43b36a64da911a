# Four connections, dealt out in turn by one acceptor: with a listener each the kernel's hash would decide.
multi_core_client() {
    local sockets=() socket line i
    for i in 1 2 3 4; do
        exec {socket}<>"/dev/tcp/127.0.0.1/$1"
        printf 'number %s\n' "$i" >&"$socket"
        IFS= read -r -t 10 line <&"$socket"
        echo "client $i: received \"$line\""
        sockets+=("$socket")
    done
    for socket in "${sockets[@]}"; do exec {socket}>&-; done
}
serve multi_core_client "$from/multi-core.cs" 127.0.0.1:0 2 acceptor
