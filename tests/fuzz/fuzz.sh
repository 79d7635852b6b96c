#!/bin/sh
# fuzz.sh DIR SECONDS TARGET...: runs fuzzers at the same time, each with what is
# in tests/fuzz/TARGET and with what it has found before. What breaks one is
# left in DIR, with a line that says how to run it again.
dir=$1 seconds=$2
shift 2
status=0 pids=

# inputs LOG: how many it has tried.
inputs() { sed -n 's/^stat::number_of_executed_units: *//p' "$1"; }

for target; do
  mkdir -p "$dir/$target.corpus"
  $FIXED "$dir/$target" -max_total_time="$seconds" -timeout=10 -max_len=2000 \
    -print_final_stats=1 -dict=tests/fuzz/irc.dict \
    -artifact_prefix="$dir/$target-" "$dir/$target.corpus" \
    "tests/fuzz/$target" >"$dir/$target.log" 2>&1 &
  pids="$pids $!"
done
trap 'kill $pids 2>/dev/null; exit 130' INT TERM
for pid in $pids; do
  if wait "$pid"; then
    echo "$1: $(inputs "$dir/$1.log") inputs in $seconds s, and none broke it"
  else
    status=1
    tail -n 40 "$dir/$1.log"
    echo "$1: BROKEN. Run it again: $dir/$1 $dir/$1-..., which is named above."
  fi
  shift
done
exit $status
