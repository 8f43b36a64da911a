# Behind what is there already, and with another process at once: nothing is overwritten even so. (The twin has the file to itself.)
log=$scratch/log
echo "an older line" > "$log"
[ "$name" = stock-logger ] || example "$log" > "$scratch/other" &
run "$program" "$log"
wait
[ "$name" = stock-logger ] || cat "$scratch/other"
echo "the first of $(wc -l < "$log") lines: $(head -n 1 "$log")"
rm -f "$log"
run "$program"
run "$program" "$scratch/none/log" | sed "s|$scratch/||g"
