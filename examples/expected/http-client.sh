# A page of http-server.cs, then nobody who listens.
serve_behind http-server 127.0.0.1:0
run "$program" "http://127.0.0.1:$port/"
end_behind
run "$program" http://127.0.0.1:1/ | grep -v refused # Each says it in its own words.
run "$program"
