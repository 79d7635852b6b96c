#!/bin/bash
# mutants.sh: is each bug of tests/sim/mutants found by a scenario?
#
# Applies one after the other to a copy of the core, builds the scenarios, and
# runs all of them under 100 seeds, then 1,000, then 10,000, until one fails;
# where the patch says "Try: strand free", those whose names begin so, from 1,000
# on. Prints a line for each: mutant, scenario, seed, and how many runs it took.
# Those that say Equivalent or Beyond in their text need not be found. With
# ONLY=strand takes those whose names begin so; MUTANT_SEEDS is the most to try.
# With SCHEDULER=plain all but those of scheduler_fast.c, and those that say
# "With: the fast scheduler", are tried on the plain scheduler; those of
# scheduler_plain.c always are.
set -u
most=${MUTANT_SEEDS:-10000}
copy=build/mutants
usual=${SCHEDULER:-fast}
export SIM_FAULTS=1 SIM_LIMIT=400000 SIM_TELL=failures SIM_UNTRACED=1

rm -rf $copy && mkdir -p $copy && cp -r Makefile common tests docs slides \
  lessons $copy || exit

# With the scheduler $1; what it makes is $program then.
build() {
  program=build/sim/scenarios
  [ "$1" = fast ] || program=build/$1/sim/scenarios
  env -u MAKELEVEL -u MAKEFLAGS make -C $copy -s "$program" SEED=1 \
    SCHEDULER="$1" >$copy/log 2>&1
}
build "$usual" || { cat $copy/log; exit 1; }
scenarios=$("$copy/$program" | awk '{ print $1 }')

touches() {
  grep -q -e "^+++ b/common/scheduler_$1.c" -e "^With: the $1 sched" "$patch"
}

# Those that are worth more than 100 seeds.
worth_trying() {
  local try
  ! excuse >/dev/null || return
  try=$(sed -n 's/^Try: //p' "$patch" | tr ' ' '|')
  echo "$scenarios" | grep -E "^(${try:-.*})"
}

# Why it need not be found, if it need not.
excuse() {
  awk '/^$/ { exit } /^(Equivalent|Beyond):/ { found = 1 }
    found { printf "%s%s", lines++ ? "\n" sprintf("%37s", "") : "", $0 }
    END { print ""; exit !found }' "$patch"
}

# The first scenario that fails, as `name seed runs`.
find_it() {
  local runs=0 seeds name told names=$scenarios
  for seeds in 100 1000 10000; do
    [ $seeds -le "$most" ] || break
    [ $seeds = 100 ] || names=$(worth_trying)
    for name in $names; do
      if told=$(SIM_SEEDS=$seeds "$copy/$program" "$name" 2>/dev/null)
      then
        runs=$((runs + seeds))
      else
        told=${told#*SEED=} && told=${told%%,*}
        echo "$name $told $((runs + told))"
        return
      fi
    done
  done
  return 1
}

found=0 excused=0 missed=
for patch in tests/sim/mutants/"${ONLY:-}"*.patch; do
  mutant=$(basename "$patch" .patch) scheduler=$usual
  touches plain && scheduler=plain
  [ "$scheduler" = fast ] || ! touches fast || continue
  (cd $copy && git apply "../../$patch") || exit
  printf '%-36s ' "$mutant"
  if ! build "$scheduler"; then
    echo "does not compile"
    missed="$missed $mutant"
  elif told=$(find_it); then
    set -- $told
    printf '%-24s %7d %8d\n' "$1" "$2" "$3"
    found=$((found + 1))
  elif reason=$(excuse); then
    echo "$reason"
    excused=$((excused + 1))
  else
    echo "not found"
    missed="$missed $mutant"
  fi
  (cd $copy && git apply -R "../../$patch") || exit
done
echo "$found found, $excused need not be, missed:${missed:- none}"
[ -z "$missed" ]
