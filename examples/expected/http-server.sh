# One request, two in one piece, one that is none.
talk() {
    local socket request
    for request in 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi' 'nonsense\r\n\r\n'; do
        exec {socket}<>"/dev/tcp/127.0.0.1/$1"
        printf "$request" >&"$socket"
        timeout 20 cat <&"$socket" | tr -d '\r'
        echo
        exec {socket}>&-
    done
}
serve talk "$program" 127.0.0.1:0
