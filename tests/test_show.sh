#!/bin/sh
# test_show.sh check|write SHOW [LESSON_BIN]: does `show` print what happened?
#
# Some lessons have their picture in show.txt: under a seed each run is the
# same, but for what takes microseconds, which another compiler changes. Then
# traces that are odd: short, long, cut off, none at all. Prints the checks that
# fail. `write` writes the pictures anew. FIXED stands before each program.

mode=$1 show="$FIXED $2" bin=$3 wrong=0
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit
unset LESSON_SPEED

complain() {
  printf '%s\n' "$*"
  wrong=1
}

# ------------------------------------------------------------------- lessons

brief() { sed -E 's/ +[0-9.]+ us/ * us/g' "$1"; }

for n in ${bin:+1 2 3 4 5 6 14}; do
  expected=$(echo lessons/"$(printf %02d "$n")"-*)/show.txt
  SIM_SEED=7 AX_TRACE=$work/trace $FIXED "$bin/lesson$n" >/dev/null ||
    complain "lesson $n ends with $?"
  $show "$work/trace" >"$work/picture" || complain "its picture: status $?"
  [ "$mode" = check ] || cp "$work/picture" "$expected"
  brief "$work/picture" >"$work/now"
  brief "$expected" | diff - "$work/now" ||
    complain "$expected is not what it shows: try \`make show-texts\`"
done
[ "$mode" = check ] || exit $wrong

# ----------------------------------------------------------------------- odd

also() { grep -qF -e "$1" "$work/out" || complain "it does not say: $1"; }

# shows STATUS WORDS ARGS...: `show ARGS` ends with STATUS, and prints WORDS
# somewhere; only what may be printed, in lines of 80 columns, and not too many.
shows() {
  status=$1 words=$2 && shift 2
  $show "$@" >"$work/out" 2>&1
  is=$?
  [ $is = "$status" ] || complain "show $*: status $is, not $status"
  also "$words"
  LC_ALL=C awk -v work="$work" '/[^ -~]/ { print "raw bytes: " NR }
    / $/ { print "a space at the end: " NR }
    length > 80 && !index($0, work) { print "a long line: " $0 }
    END { if (NR > 120) print NR " lines" }' "$work/out" >"$work/said"
  [ ! -s "$work/said" ] || complain "show $*: $(cat "$work/said")"
}

# Writes a trace: [, the events of standard input with commas between, ].
trace() { { echo '['; sed '$!s/$/,/'; echo ']'; } >"$work/$1"; }

name() { printf '{"ph":"M","tid":%s,"ts":%s,"name":"thread_name",%s\n' "$1" \
  "$2" "\"args\":{\"name\":\"$3\"}}"; }
initiate() { printf '{"ph":"s","tid":%s,"ts":%s,"name":"h","cat":"flow",%s\n' \
  "$1" "$2" "\"id\":$3}"; }
ready() { printf '{"ph":"i","tid":%s,"ts":%s,"cat":"ready","name":"h",%s\n' \
  "$1" "$2" "\"args\":{\"op\":$3,\"on\":\"$4\"}}"; }
arrow() { printf '{"ph":"f","tid":%s,"ts":%s,"name":"h","cat":"flow",%s\n' \
  "$1" "$2" "\"id\":$3}"; }
handler() { printf '{"ph":"X","tid":%s,"ts":%s,"dur":%s,"cat":"handler",%s\n' \
  "$1" "$2" "$3" "\"name\":\"${6:-h}\",\"args\":{\"op\":$4,\"on\":\"$5\"}}"; }

: >"$work/empty"
shows 1 'ends too early' "$work/empty"
trace none </dev/null
shows 0 'Nothing happened' "$work/none"
{ name 1 1 main; name 2 2 'butler 1'; initiate 1 1000000 1; } | trace three
shows 0 'No handler ran' "$work/three"
also 'butler 1'

# A program that ends within a handler, and one that still waits.
{ name 1 1 main; initiate 1 5 1; initiate 1 6 2; ready 1 5 1 'strand 3'
  ready 1 6 2 'strand 3'; arrow 1 10 1; name 2 1000 'butler 1'; } | trace within
shows 0 'goes on strand 3' "$work/within"
also 'strand 3 queue'

# Two threads of one name, an executor of another kind, an error with a size.
{ name 1 1 main; name 1 2 'butler 1'; name 2 3 'butler 1'; initiate 1 5 1
  ready 1 6 1 'pool 1'; handler 2 10 100 1 'pool 1'; } |
  sed 's/"pool 1"}/"pool 1","err":-4095,"n":70000}/' | trace pool
shows 0 'main, butler 1' "$work/pool"
also 'EOF n 70000'

# Names are anything.
{ handler 1 5 5 1 'strand 1' '\u001b[31mred\u202e\"\\\n'
  handler 1 15 5 2 'strand 1' 'raw: é\u0000'; handler 1 25 5 3 "$(
    printf '%0300d' 0)"; name 1 1 '\u001b]0;title\u0007'; } | trace names
shows 0 '?[31mred?"\?' "$work/names"

# What is left out is told.
awk 'BEGIN { for (i = 1; i <= 50000; i++) {
  printf "{\"ph\":\"s\",\"tid\":1,\"ts\":%d,\"name\":\"h\",\"cat\":\"flow\"," \
    "\"id\":%d}\n", i * 10, i
  printf "{\"ph\":\"X\",\"tid\":%d,\"ts\":%d,\"dur\":3,\"cat\":\"handler\"," \
    "\"name\":\"on_%d\",\"args\":{\"op\":%d,\"on\":\"strand %d\"}}\n", \
    2 + i % 98, i * 10 + 5, i % 1000, i, i % 500 } }' | trace long
shows 0 '... and 49970 handlers more' "$work/long"
also 'the first 52 of 50000 operations have letters'
also '... and 988 names more'
also '... and 75 threads more'
shows 0 'ms' --from 0.1 --to 0.1002 "$work/long"

# No trace at all, each with the line where that is seen.
bad() {
  printf "$1" >"$work/bad"
  shows 1 "$2" "$work/bad"
}
bad 'hello' ':1: this is no trace: it should begin with ['
bad '{"traceEvents":[]}' 'begin with ['
bad '[\n1]' ':2: this is no trace: an event in braces'
bad '[{"ts":1}\n{"ts":2}]' ':2: this is no trace: a comma'
bad '[{"ts":"x"}]' 'a number is expected'
bad '[{"name":1}]' 'a string is expected'
bad '[{"ts":-1}]' 'before the beginning'
bad '[{"ts":1e999}]' 'number is none'
bad '[{"ts":1-1}]' 'number is none'
bad '[{"ts":nan}]' 'a value is expected'
bad '[{"name":"\\u12x4"}]' 'four digits'
bad '[{"name":"a\n"}]' 'within a string'
bad '[{ts:1}]' 'a key in quotes'
bad '[{"a" 1}]' 'a colon'
bad '[{"ts":\000}]' 'a value is expected'
bad '[{"ts":truf}]' 'a value is expected'
bad '[] []' 'something follows'
bad "[{\"a\":$(printf '%060d' 0 | tr 0 '[')" 'nested too deep'
bad "[{\"ts\":$(printf '%099d' 1)}]" 'too long'
head -c 3000 /dev/urandom >"$work/bad"
$show "$work/bad" >"$work/out" 2>&1
[ $? = 1 ] || complain 'random bytes are taken for a trace'

# Cut off anywhere: what there is, and that it is not all.
size=$(wc -c <"$work/within")
for length in $(seq 1 53 $((size - 3))); do
  head -c "$length" "$work/within" >"$work/cut"
  shows 1 'ends too early' "$work/cut"
done

# Wrong usage.
shows 2 'which trace?' --from 1
shows 2 'one trace' "$work/none" "$work/none"
shows 2 'no such option' --form 1 "$work/none"
shows 2 'wants a time' --to soon "$work/none"
shows 2 '--from is not before' --from 5 --to 4 "$work/within"
shows 2 'No such file' "$work/nowhere"
shows 2 'directory' "$work"
LESSON_SPEED=fast shows 2 'LESSON_SPEED' "$work/none"
LESSON_SPEED=100000 shows 0 '100000 lesson seconds in a real one' "$work/within"
[ ! -e /dev/full ] || ! $show "$work/within" >/dev/full 2>&1 ||
  complain 'a full disk is no failure'

[ $wrong = 1 ] || echo 'traces as text: lessons, odd ones, and none'
exit $wrong
