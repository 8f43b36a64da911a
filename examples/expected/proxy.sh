# An echo server behind it.
dotnet run --no-build "$here/echo.cs" 127.0.0.1:0 > "$scratch/behind" &
behind=$!
until target=$(sed -nE 's/^listening on (.*:[0-9]+)$/\1/p' "$scratch/behind") && [ -n "$target" ]; do sleep 0.1; done
serve echo_client "$program" 127.0.0.1:0 "$target"
kill -TERM "$behind"
wait "$behind" || true
cat "$scratch/behind"
