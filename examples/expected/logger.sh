# Behind what is there; with another process at once, where nothing is overwritten even so.
log=$scratch/log
echo "an older line" > "$log"
[ "$name" = stock-logger ] || example "$log" > "$scratch/other" &
run "$program" "$log"
wait
head -n 1 "$log"
[ "$name" = stock-logger ] || diff "$scratch/other" <(run "$program" "$log" | sed '$d') && echo "lines in the file: $(wc -l < "$log")"
rm -f "$log"
run "$program"
run "$program" "$scratch/none/log" | sed "s|$scratch/||g"
