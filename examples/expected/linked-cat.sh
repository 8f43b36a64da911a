# Every length around a page and a chunk; a file that shrinks while it is read; one that says it is empty; a full disk.
for size in 0 1 4095 4096 4097 5000 65535 65536 65537 262144 104857600; do
    head -c "$size" /dev/urandom > "$scratch/input"
    example "$scratch/input" 2> "$scratch/errors" | same "$size bytes" "$scratch/input"
    cat "$scratch/errors"
done
example "$scratch/input" 2> /dev/null > "$scratch/copy"
same "to a file" "$scratch/input" < "$scratch/copy"
{ example "$scratch/input" 2> /dev/null; echo "exit $?" > "$scratch/code"; } \
    | { head -c 1M > "$scratch/head"; truncate -s 50M "$scratch/input"; cat "$scratch/head" - > "$scratch/copy"; }
echo "a file that shrinks from 100 to 50 MiB meanwhile: $(cat "$scratch/code")"
head -c 50M "$scratch/copy" | same "what is still there" "$scratch/input"
echo "of /proc/self/status: $(example /proc/self/status 2> /dev/null | grep -c '^Name:') name"
example "$scratch/input" 2>&1 > /dev/full
echo "exit $?"
run "$program" /nowhere
rm -f "$scratch/input" "$scratch/copy" "$scratch/head"
