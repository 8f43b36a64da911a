# By hash: 100 MB of random bytes from a pipe and from a file, nothing at all; then an output that is full and a reader that leaves.
tees() { timeout 120 dotnet run --no-build "$program" "$@"; }
same() { [ "$(sha256sum | cut -c 1-64)" = "$hash" ] && echo "$1: the same" || echo "$1: NOT the same"; }
three() {
    same "$1, standard output"
    same "$1, first file" < "$scratch/one"
    same "$1, second file" < "$scratch/two"
}
head -c 100000000 /dev/urandom > "$scratch/input"
hash=$(sha256sum < "$scratch/input" | cut -c 1-64)
cat "$scratch/input" | tees "$scratch/one" "$scratch/two" | three "100 MB, a pipe"
tees "$scratch/one" "$scratch/two" < "$scratch/input" | three "100 MB, a file"
{ code=0; tees /dev/full "$scratch/two" < "$scratch/input" 2> "$scratch/errors" || code=$?; echo "$code" > "$scratch/code"; } | same "beside a full disk, standard output"
same "beside a full disk, second file" < "$scratch/two"
echo "exit $(cat "$scratch/code"), and $(grep -ci 'no space left' "$scratch/errors") line that says why"
: > "$scratch/two"
case $program in
    */stock/*) ;; # The console's stream does not tell.
    *) { code=0; tees "$scratch/one" "$scratch/two" < "$scratch/input" 2> "$scratch/errors" || code=$?; echo "$code" > "$scratch/code"; } | head -c 10 > /dev/null
       same "beside a reader that leaves, second file" < "$scratch/two"
       echo "exit $(cat "$scratch/code"), and $(grep -c EPIPE "$scratch/errors") line that says why" ;;
esac
hash=$(sha256sum < /dev/null | cut -c 1-64)
tees "$scratch/one" "$scratch/two" < /dev/null | three "nothing"
run "$program" "$scratch/one"
