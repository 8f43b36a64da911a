# A page of http-server.cs, then nobody who listens.
dotnet run --no-build "$here/http-server.cs" 127.0.0.1:0 > "$scratch/behind" 2>&1 &
behind=$!
until port=$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p' "$scratch/behind") && [ -n "$port" ]; do sleep 0.1; done
run "$program" "http://127.0.0.1:$port/"
kill -TERM "$behind"
wait "$behind" || true
run "$program" http://127.0.0.1:1/ | grep -v refused # Each says it in its own words.
run "$program"
