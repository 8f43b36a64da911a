# A thousand requests from twenty tasks to http-server.cs.
serve_behind http-server 127.0.0.1:0
run "$program" "127.0.0.1:$port" 1000 20
end_behind
run "$program" nobody 1 1
