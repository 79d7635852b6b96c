#!/bin/bash
# hazards.sh prove|show HAZARD.c...: is the mistake caught, and the twin right?
#
# What a hazard says of itself stands at the top of comment.sh.
#
# `prove` prints a line for each hazard, and what was seen when that is
# something else; `show` what a reader wants to see. The environment has MAKE,
# ROOT, where programs are built; FIXED, what stands before sanitized ones;
# LACKS, a tool that this machine does not have; HAZARD_RUNS, how often all is
# run; HAZARD_SEEDS.

here=$(dirname "$0")
seeds=${HAZARD_SEEDS:-500}
runs=${HAZARD_RUNS:-1}
ROOT=${ROOT:-build}
limit=
command -v timeout >/dev/null && limit='timeout -k 5 60'
export LESSON_SPEED=${LESSON_SPEED:-20}
. "$here/comment.sh"

# ------------------------------------------------------------------- runs

# Leaves what was seen in `output`, and how that ended in `status`.
run() {
  output=$($limit "$@" 2>&1 </dev/null)
  status=$?
}

run_tool() {
  case $2 in
  Prints | Signal) run "$(program "$1" "$2")" ;;
  Address | Thread) run $FIXED "$(program "$1" "$2")" ;;
  Seed) run env SIM_SEED=1 SIM_SEEDS="$seeds" "$(program "$1" Seed)" ;;
  esac
}

# The first seed of the ways in `output` that leads to that text.
seed_of() {
  local found
  found=$(lines "$1" <<<"$output" | head -1)
  awk -v found="$found" 'sub(/.*SEED=/, "") { seed = $0; next }
    $0 == found { print seed; exit }' <<<"$output"
}

because() {
  why=$1
  return 1
}

# Did the run end as a verdict of that tool wants it?
ended() {
  case $1 in
  Signal)
    [ "$status" = $((128 + $(kill -l "$2"))) ] ||
      because "SIG$2 did not end it: its exit status is $status"
    ;;
  Prints) [ "$status" = 0 ] || because "its exit status is $status" ;;
  Seed) [ -n "$seed" ] || because "none of $seeds seeds shows '$2'" ;;
  *) [ "$status" != 0 ] || because 'the sanitizer found nothing' ;;
  esac
}

# caught HAZARD TOOL VERDICT: else leaves in `why` what is missing; what shows it
# in `output`, and the seed in `seed`.
caught() {
  local text in
  text=$(text_of "$3") in=$(function_of "$3") seed=
  [ "$2" != Seed ] || seed=$(seed_of "$text")
  [ "$2" = Prints ] && [ -n "$(said "$1" Signal)" ] ||
    ended "$2" "$text" || return
  [ "$2" != Signal ] || return 0
  [ -z "$seed" ] || run env SIM_SEED="$seed" "$(program "$1" Seed)"
  [ -n "$(lines "$text" <<<"$output")" ] ||
    because "no line has '$text'" || return
  [ -z "$in" ] || [ -n "$(frames "$1" "$in" <<<"$output")" ] ||
    because "$in of $(basename "$1") stands in no frame"
}

# clean HAZARD TOOL: is what the twin left in `output` and `status` right? Leaves
# what it has printed in `printed`.
clean() {
  printed=$output
  if [ "$2" = Seed ]; then
    grep -q '^[0-9,]* seeds, 1 way:' <<<"$output" ||
      because 'it can go more than one way' || return
    ! grep -q '^     and then: ' <<<"$output" ||
      because 'a seed ends it' || return
    printed=$(sed -n 's/^     //p' <<<"$output")
  fi
  [ "$status" = 0 ] || because "its exit status is $status" || return
  [ -n "$(said "$1" Fixed)" ] ||
    because "the hazard has no line 'Fixed: ', with what it prints" || return
  same "$(said "$1" Fixed)" <<<"$printed" ||
    because 'it does not print what the lines "Fixed: " say'
}

# wrong WHO TOOL: and why, and what it printed. It fails.
wrong() {
  printf '%s, %s: %s. It printed:\n' "$1" "$2" "$why"
  head -60 <<<"$output" | indented
  return 1
}

# try HAZARD TOOL [FOUND]: is every verdict of the tool true, and the twin clean?
# Calls FOUND for each verdict.
try() {
  local verdict first ended
  run_tool "$1" "$2"
  first=$output ended=$status
  while read -r verdict; do
    output=$first status=$ended
    caught "$1" "$2" "$verdict" || wrong "$1" "$2" || return
    ${3:-:} "$1" "$2" "$verdict"
  done < <(said "$1" "$2")
  run_tool "$(twin "$1")" "$2"
  clean "$1" "$2" || wrong "$(twin "$1")" "$2"
}

# ------------------------------------------------------------------ prove

# What must be there before anything can be run.
whole() {
  local tool file
  [ -f "$(twin "$1")" ] || because "it has no twin $(twin "$1")" || return
  [ -n "$(verdicts "$1")" ] ||
    because 'its first comment has no verdict' || return
  for tool in $(tools "$1"); do
    for file in "$1" "$(twin "$1")"; do
      [ -x "$(program "$file" "$tool")" ] ||
        because "$file was not built for $tool" || return
    done
  done
}

# A lesson's README tells of its hazards.
told() {
  local readme
  readme=$(dirname "$(dirname "$1")")/README.md
  [ ! -f "$readme" ] || grep -q "hazards/$(basename "$1")" "$readme" ||
    because "$readme does not tell of it"
}

note_seed() { [ -z "$seed" ] || shown=" $seed"; }

prove_tools() {
  local tool shown i
  for tool in $(tools "$1"); do
    shown=
    for ((i = 1; i <= runs; i++)); do
      try "$1" "$tool" note_seed ||
        { echo "That was run $i of $runs." && return 1; }
    done
    how+=", $(lower "$tool")$shown"
  done
}

prove_one() {
  local how='' times=''
  if ! whole "$1" || ! told "$1"; then
    echo "$1: $why"
    return 1
  fi
  [ -n "$(tools "$1")" ] || { echo "${1%.c}: left out here" && return; }
  prove_tools "$1" >"$results/said.$$" || { cat "$results/said.$$" && return 1; }
  [ "$runs" = 1 ] || times=" $runs of $runs"
  echo "${1%.c}:${how#,}: caught$times, its twin is clean"
}

# ------------------------------------------------------------------- show

show_finding() {
  case $2 in
  Signal)
    echo "SIG$3 ends it$([ "$3" != ALRM ] || echo ', for it hangs')."
    return
    ;;
  Prints) echo 'It prints:' && head -20 <<<"$output" | indented && return ;;
  Seed) echo "SEED=$seed leads to:" ;;
  *) echo "SANITIZE=$(lower "$2") says:" ;;
  esac
  TEXT=$(lines "$(text_of "$3")" <<<"$output" | head -1) \
    awk -v file="$(basename "$1")" -f "$here/report.awk" <<<"$output"
}

body() { awk 'past { print } /\*\// { past = 1 }' "$1"; }

show_one() {
  local tool
  echo "== $1" && words "$1" && echo
  whole "$1" || { echo "$why" && return 1; }
  for tool in $(tools "$1"); do
    try "$1" "$tool" show_finding || return
  done
  echo 'Its twin is clean, and prints:'
  indented <<<"${printed-}"
  echo "$(twin "$1") differs in:"
  diff -U 1 <(body "$1") <(body "$(twin "$1")") |
    sed '1,3d; s/^@@.*/--/' | indented
  echo
}

# ------------------------------------------------------------------- main

# build TOOLS VARIABLES HAZARD...: those that one of the tools finds, and their
# twins, in the variant of these variables.
build() {
  local tools=$1 variables=$2 hazard sources=''
  shift 2
  for hazard; do
    ! verdicts "$hazard" | grep -q -x -E "$tools" ||
      sources+=" $hazard $(twin "$hazard")"
  done
  [ -z "$sources" ] ||
    $MAKE -s -k hazard-programs $variables HAZARDS="$sources"
}

build_all() {
  local failed=0
  build 'Prints|Signal' 'SANITIZE= SEED=' "$@" || failed=1
  build Address 'SANITIZE=address SEED=' "$@" || failed=1
  build Thread 'SANITIZE=thread SEED=' "$@" || failed=1
  [ "${LACKS-}" = Seed ] || build Seed 'SANITIZE= SEED=1' "$@" || failed=1
  return $failed
}

prove() {
  local passed
  printf '%s\n' "$@" | xargs -P 3 -n 1 bash "$0" --one "$results"
  passed=$(find "$results" -name 'passed.*' | wc -l | tr -d ' ')
  echo "hazards: $passed of $# are caught, and have clean twins"
  [ "$passed" = $# ]
}

show() {
  local hazard
  for hazard; do show_one "$hazard" || return; done
}

mode=${1-}
case $mode in
--one)
  results=$2
  ! prove_one "$3" || : >"$results/passed.$$"
  exit 0
  ;;
prove | show) shift ;;
*) mode= ;;
esac
case $mode,$runs in
, | ,* | *, | *,*[!0-9]* | *,0)
  echo 'usage: [HAZARD_RUNS=1] hazards.sh prove|show HAZARD.c...' >&2
  exit 2
  ;;
esac
[ $# -gt 0 ] || { echo 'There are no hazards.' >&2 && exit 2; }
results=$(mktemp -d) || exit
trap 'rm -rf "$results"' EXIT
build_all "$@" || echo 'Not all of them could be built.' >"$results/unbuilt"
$mode "$@" || exit
[ ! -e "$results/unbuilt" ] || { cat "$results/unbuilt" && exit 1; }
