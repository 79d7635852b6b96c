#!/bin/bash
# hazards.sh prove|show HAZARD.c...: is the mistake caught, and the twin right?
#
# A hazard's first comment begins with one sentence that says what is wrong, and
# may go on. Then it says how that is shown, one way or more to a line:
#
#   Prints: TEXT     the plain program prints a line with TEXT, exit status 0
#   Signal: ALRM     a signal ends the plain program: PIPE, ABRT, or ALRM, when
#                    it hangs and has called alarm(1)
#   Address: TEXT    a line of the address sanitizer's report, or of the leak or
#                    undefined behaviour sanitizer's, has TEXT
#   Thread: TEXT     likewise the thread sanitizer's
#   Seed: TEXT       some seed leads to a line with TEXT, or to such a report
#   Fixed: LINE      the whole output of the twin, HAZARD_fixed.c, a line each
#   Uses: FILE...    sources beside its own (hazards.mk)
#
# With ", in FUNCTION" at the end of a sanitizer's TEXT, or of a report's under
# a seed, that function of the hazard's own file must stand in a frame. In TEXT
# and LINE {*} is anything and {2..5} a number between the two, also included.
# The twin must be clean under each tool that the hazard names, and with seeds
# go one way only.
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

case $runs in
'' | *[!0-9]* | 0) echo "HAZARD_RUNS is a number from 1 on, not '$runs'" >&2 && exit 2 ;;
esac

# ------------------------------------------------------------ what it says

comment() { sed -n '1,/\*\//p' "$1" | sed 's, *\*/$,,; s,^/\* ,,; s,^ \*,,; s,^ ,,'; }
said() { comment "$1" | sed -n "s/^$2: //p"; }
words() { comment "$1" | sed '/^[A-Z][a-z]*: /d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }
tools() { comment "$1" | sed -n 's/^\(Prints\|Signal\|Address\|Thread\|Seed\): .*/\1/p' |
  awk '!seen[$0]++' | grep -v -x -e "${LACKS:-none}"; }
twin() { echo "${1%.c}_fixed.c"; }

variant() {
  case $1 in
  Address) echo /address ;;
  Thread) echo /thread ;;
  Seed) echo /sim ;;
  esac
}

lower() { tr '[:upper:]' '[:lower:]' <<<"$1"; }

program() { echo "$ROOT$(variant "$2")/hazards/${1%.c}"; }

# lines TEXT: those of the input that have it in them. same LINES: is the input
# just these?
lines() { TEXT=$1 awk -v mode=part -f "$here/match.awk"; }
same() { TEXT=$1 awk -v mode=whole -f "$here/match.awk"; }

function_of() { sed -n 's/.*, in \([a-z_0-9]*\)$/\1/p' <<<"$1"; }
text_of() { sed 's/, in [a-z_0-9]*$//' <<<"$1"; }

# frames FILE FUNCTION: the lines of a report, on the input, where it stands.
frames() {
  grep -E -e "^ *#[0-9]+ (0x[0-9a-f]+ in )?$2 .*$(basename "$1"):[0-9]+" \
    -e "^ *([a-z].* )?$2 \($(basename "$1"):[0-9]+\)"
}

# ------------------------------------------------------------------- runs

# Each leaves what it saw in `output`, and how that ended in `status`.
run() { output=$($limit "$@" 2>&1 </dev/null); status=$?; }

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

# caught HAZARD TOOL VERDICT: else says what is missing. Leaves the seed in
# `seed`, and the output that shows it in `output`.
caught() {
  local text in
  text=$(text_of "$3") in=$(function_of "$3") seed=
  case $2 in
  Signal)
    [ "$status" = $((128 + $(kill -l "$3"))) ] && return
    echo "SIG$3 did not end it: its exit status is $status" && return 1
    ;;
  Seed)
    seed=$(seed_of "$text")
    [ -n "$seed" ] || { echo "none of $seeds seeds shows '$text'" && return 1; }
    run env SIM_SEED="$seed" "$(program "$1" Seed)"
    ;;
  Prints)
    [ "$status" = 0 ] || [ -n "$(said "$1" Signal)" ] ||
      { echo "its exit status is $status" && return 1; }
    ;;
  *)
    [ "$status" != 0 ] || { echo "the sanitizer found nothing" && return 1; }
    ;;
  esac
  [ -n "$(lines "$text" <<<"$output")" ] ||
    { echo "no line has '$text'" && return 1; }
  [ -z "$in" ] || [ -n "$(frames "$1" "$in" <<<"$output")" ] ||
    { echo "$in of $(basename "$1") stands in no frame" && return 1; }
}

# clean HAZARD TOOL: is what the twin left in `output` and `status` right? Leaves
# what it has printed in `printed`.
clean() {
  printed=$output
  if [ "$2" = Seed ]; then
    [ "$status" = 0 ] && grep -q '^[0-9,]* seeds, 1 way:' <<<"$output" ||
      { echo 'it can go more than one way' && return 1; }
    grep -q '^     and then: ' <<<"$output" && echo 'a seed ends it' && return 1
    printed=$(sed -n 's/^     //p' <<<"$output")
  fi
  [ "$status" = 0 ] || { echo "its exit status is $status" && return 1; }
  [ -n "$(said "$1" Fixed)" ] ||
    { echo "the hazard has no line 'Fixed: ', with what it prints" && return 1; }
  same "$(said "$1" Fixed)" <<<"$printed" ||
    { echo 'it does not print what the lines "Fixed: " say' && return 1; }
}

# ------------------------------------------------------------------ prove

# wrong WHO TOOL WHY: and what it printed.
wrong() {
  printf '%s, %s: %s. It printed:\n%s\n' "$1" "$2" "$3" \
    "$(head -60 <<<"$output" | sed 's/^/    /')"
}

# The message goes through a file: a subshell would lose `output`.
prove_tool() {
  local hazard=$1 tool=$2 why verdict
  run_tool "$hazard" "$tool"
  local first=$output ended=$status
  while read -r verdict; do
    output=$first status=$ended
    caught "$hazard" "$tool" "$verdict" >"$results/why.$$" ||
      { wrong "$hazard" "$tool" "$(cat "$results/why.$$")" && return 1; }
    [ -z "$seed" ] || shown=$seed
  done < <(said "$hazard" "$tool")
  run_tool "$(twin "$hazard")" "$tool"
  clean "$hazard" "$tool" >"$results/why.$$" ||
    { wrong "$(twin "$hazard")" "$tool" "$(cat "$results/why.$$")" && return 1; }
}

# What must be there before anything can be run.
whole() {
  local tool file
  [ -f "$(twin "$1")" ] || { echo "$1 has no twin $(twin "$1")" && return 1; }
  [ -n "$(comment "$1" | sed -n 's/^\(Prints\|Signal\|Address\|Thread\|Seed\): .*/\1/p')" ] ||
    { echo "$1: its first comment has no verdict" && return 1; }
  for tool in $(tools "$1"); do
    for file in "$1" "$(twin "$1")"; do
      [ -x "$(program "$file" "$tool")" ] ||
        { echo "$file was not built for $tool" && return 1; }
    done
  done
}

# A lesson's README tells of its hazards.
told() {
  local readme
  readme=$(dirname "$(dirname "$1")")/README.md
  [ ! -f "$readme" ] || grep -q "hazards/$(basename "$1")" "$readme" ||
    { echo "$readme does not tell of hazards/$(basename "$1")" && return 1; }
}

prove_one() {
  local hazard=$1 tool how='' shown said
  if ! said=$(whole "$hazard" && told "$hazard"); then
    printf '%s\n' "$said" && : >"$results/failed.$$"
    return
  fi
  for tool in $(tools "$hazard"); do
    shown=
    for ((i = 1; i <= runs; i++)); do
      prove_tool "$hazard" "$tool" >"$results/said.$$" || {
        { cat "$results/said.$$" &&
          echo "That was run $i of $runs."; } && : >"$results/failed.$$"
        return
      }
    done
    how+=", $(lower "$tool")${shown:+ $shown}"
  done
  [ -n "$how" ] || how=", left out, for want of ${LACKS-}"
  echo "${hazard%.c}:${how#,}: caught$([ "$runs" = 1 ] ||
    echo " $runs of $runs"), its twin is clean"
  : >"$results/passed.$$"
}

# ------------------------------------------------------------------- show

show_finding() {
  local verdict
  while read -r verdict; do
    run_tool "$1" "$2"
    if ! why=$(caught "$1" "$2" "$verdict"); then
      wrong "$1" "$2" "$why" && return 1
    fi
    [ "$2" != Seed ] || caught "$1" "$2" "$verdict"
    case $2 in
    Signal) echo "SIG$verdict ends the program$([ "$verdict" != ALRM ] ||
      echo ', which hangs')$([ -z "$output" ] || echo '. It printed:')" ;;
    Prints) echo 'The program prints:' ;;
    Seed) echo "SEED=$seed leads to:" ;;
    Address) echo 'SANITIZE=address says:' ;;
    Thread) echo 'SANITIZE=thread says:' ;;
    esac
    case $2 in
    Signal | Prints) [ -z "$output" ] || head -20 <<<"$output" | sed 's/^/    /' ;;
    *)
      TEXT=$(text_of "$verdict") awk -v file="$(basename "$1")" \
        -f "$here/report.awk" <<<"$output"
      ;;
    esac
  done < <(said "$1" "$2")
}

body() { awk 'past { print } /\*\// { past = 1 }' "$1"; }

show_one() {
  local hazard=$1 tool
  echo "== $hazard" && words "$hazard" && echo
  whole "$hazard" || return
  for tool in $(tools "$hazard"); do
    show_finding "$hazard" "$tool" || return
    run_tool "$(twin "$hazard")" "$tool"
    clean "$hazard" "$tool" >"$results/why.$$" || {
      wrong "$(twin "$hazard")" "$tool" "$(cat "$results/why.$$")"
      return 1
    }
  done
  echo "Its twin is clean, and prints:"
  sed 's/^/    /' <<<"$printed"
  echo "$(twin "$hazard") differs in:"
  diff -U 1 <(body "$hazard") <(body "$(twin "$hazard")") |
    sed '1,2d; s/^@@.*/    --/; /^    --$/!s/^/    /' | sed '1{/--/d;}'
  echo
}

# ------------------------------------------------------------------- main

# Those that a tool needs, with their twins.
build() {
  local tool hazard sources
  for tool in Prints Address Thread Seed; do
    sources=
    for hazard; do
      if { [ $tool != Prints ] && tools "$hazard" | grep -q -x $tool; } ||
        { [ $tool = Prints ] && tools "$hazard" | grep -q -x -e Prints -e Signal; }; then
        sources+=" $hazard $(twin "$hazard")"
      fi
    done
    [ -z "$sources" ] && continue
    case $tool in
    Address | Thread)
      $MAKE -s -k hazard-programs SEED= SANITIZE=$(lower $tool) HAZARDS="$sources"
      ;;
    *)
      $MAKE -s -k hazard-programs SANITIZE= SEED="$(
        [ $tool != Seed ] || echo 1
      )" HAZARDS="$sources"
      ;;
    esac
  done
}

mode=$1
shift
case $mode in
--one)
  results=$1
  prove_one "$2"
  exit 0
  ;;
prove | show) ;;
*) echo 'usage: hazards.sh prove|show HAZARD.c...' >&2 && exit 2 ;;
esac
[ $# -gt 0 ] || { echo 'No hazards.' && exit 1; }
results=$(mktemp -d) || exit
trap 'rm -rf "$results"' EXIT
build "$@"
if [ "$mode" = show ]; then
  status=0
  for hazard; do show_one "$hazard" || exit 1; done
  exit 0
fi
printf '%s\n' "$@" | xargs -P 3 -n 1 bash "$0" --one "$results"
passed=$(find "$results" -name 'passed.*' | wc -l | tr -d ' ')
echo "hazards: $passed of $# caught, with clean twins"
[ "$passed" = $# ]
