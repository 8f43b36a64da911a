# Every length around the size of a read, and a file that shrinks while it is read.
for size in 0 1 4095 4096 4097 5000 262144 104857600; do
    head -c "$size" /dev/urandom > "$scratch/input"
    dotnet run --no-build "$program" "$scratch/input" 2> /dev/null | cmp - "$scratch/input" && echo "$size bytes: the same"
done
truncate -s 1G "$scratch/input"
dotnet run --no-build "$program" "$scratch/input" 2> /dev/null | { head -c 1M > /dev/null; truncate -s 2M "$scratch/input"; cat > /dev/null; } && echo "shrunk while it was read: it ended"
run "$program" /nowhere
