dotnet run --no-build "$here/from-aspnet.cs" 127.0.0.1:0 > "$scratch/behind" 2>&1 &
behind=$!
until port=$(sed -nE 's/^listening on .*:([0-9]+)$/\1/p' "$scratch/behind") && [ -n "$port" ]; do sleep 0.1; done
run "$program" "127.0.0.1:$port" /
kill -TERM "$behind"
wait "$behind" || true
run "$program" 127.0.0.1:1
