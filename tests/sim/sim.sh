#!/bin/sh
# sim.sh PROGRAM: runs scenarios under many seeds, or under one.
#
# Those whose names begin with $ONLY, or all. $SEEDS is the number of seeds;
# with $SEED that one alone is run. With $TRACE it is traced, which takes steps:
# a seed goes another way then, so look for it with $TRACE as well.
set -u
program=$1 passed=0 failed=0
export SIM_FAULTS=1 SIM_LIMIT="${SIM_LIMIT:-400000}"
[ -n "$TRACE" ] || export SIM_UNTRACED=1

# The seed is told with what it has done.
run_one() {
  if [ -n "$TRACE" ]; then
    mkdir -p build/trace
    export AX_TRACE=build/trace/$1-$SEED.json
    echo "The trace goes to $AX_TRACE (open it in https://ui.perfetto.dev)."
  fi
  SIM_SEED=$SEED SIM_HASH=1 "$program" "$1"
}

run_all() {
  SIM_TELL=failures SIM_SEEDS=$SEEDS "$program" "$1" ||
    { echo "  again: make sim ONLY=$1 SEED=n, n being that seed" && false; }
}

names=$("$program" | awk -v only="${ONLY:-}" 'index($1, only) == 1 { print $1 }')
[ -n "$names" ] || { echo "no scenario begins with '$ONLY'" >&2; exit 2; }
for name in $names; do
  printf '%-26s' "$name"
  if [ -n "$SEED" ]; then run_one "$name"; else run_all "$name"; fi &&
    passed=$((passed + 1)) || failed=$((failed + 1))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
