#!/bin/sh
# pages.sh PAGE TITLE SHARED TRACE [PROGRAM]: writes the page of a run.
#
# The page has the trace; with BESIDE=1 those that its program wrote beside it
# (its name, a dash, and a word); and, with a PROGRAM built for the simulator, a
# run for each way that it can go. TRACE may be - for no run but those. SHARED
# names the handlers that touch the same data.
set -eu
page=$1 title=$2 shared=$3 trace=$4 program=${5:-}
here=$(dirname "$0") base=${page%.html} most=6
mkdir -p "$(dirname "$page")"
set --

if [ "$trace" != - ]; then
  case ${trace%.json} in
  *-[0-9] | *-[0-9][0-9]* ) label="SEED=${trace##*-}" label=${label%.json} ;;
  *) label='this run' ;;
  esac
  set -- "$label" "${LESSON_SPEED:-1}" "$trace"
  for beside in ${BESIDE:+"$base"-[a-z]*.json}; do
    [ ! -e "$beside" ] || {
      word=${beside#"$base"-}
      set -- "$@" "${word%.json}" "${LESSON_SPEED:-1}" "$beside"
    }
  done
fi

# `make seedsN` tells each way's part and its smallest seed.
if [ -n "$program" ]; then
  unset LESSON_SPEED
  ways=$(SIM_SEED=1 SIM_SEEDS=${SEEDS:-1000} "$program" | sed -n \
    's/^ *\([0-9.]*\) %, SEED=\([0-9]*\)$/\1 \2/p' | head -n $most)
  [ -n "$ways" ] || { echo "$program: there is no way under seeds" >&2; exit 1; }
  for way in $(echo "$ways" | tr ' ' ,); do
    seed=${way#*,}
    AX_TRACE=$base-$seed.json SIM_SEED=$seed "$program" </dev/null >/dev/null || :
    set -- "$@" "SEED=$seed (${way%,*} %)" 1 "$base-$seed.json"
  done
fi
sh "$here/page.sh" "$title" "$shared" "$@" >"$page.part"
mv "$page.part" "$page"
