# A thousand requests from twenty tasks to http-server.cs.
dotnet run --no-build "$here/http-server.cs" 127.0.0.1:0 > "$scratch/behind" 2>&1 &
behind=$!
until port=$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p' "$scratch/behind") && [ -n "$port" ]; do sleep 0.1; done
run "$program" "127.0.0.1:$port" 1000 20
kill -TERM "$behind"
wait "$behind" || true
run "$program" nobody 1 1
