#!/bin/bash
# exercise.sh VERB KEY DIR: what the verbs of exercise.mk do for the exercise in
# DIR, whose key is a lesson's number or -NAME. `progress` takes many KEY DIR.
#
# A larger exercise, exercises/NAME, has a starter.c, which becomes the learner's
# main.c, and a solution of several files.
#
# The learner's directory is named like the lesson's. It is found by the lesson's
# name without its number, or else by the number alone, so it survives when a
# lesson gets another number or another name. Two files in it remember: .hints
# how many were shown, .done that a check has passed.
set -u
: "${WORK:=work}" "${MAKE:=make}"

usage() {
  echo "$1" >&2
  exit 2
}

# name_of DIR: 05-strand is strand, exercises/http is http.
name_of() {
  local base=${1##*/}
  case $base in
  [0-9]*-*) echo "${base#*-}" ;;
  *) echo "$base" ;;
  esac
}

# page_of DIR: the file that the learner begins with.
page_of() {
  if [ -e "$1/starter.c" ]; then echo main.c; else echo exercise.c; fi
}

# belongs WORKDIR: is there a lesson or exercise of its name?
belongs() {
  local dir
  for dir in lessons/[0-9]*-* exercises/*; do
    [ "$(name_of "$dir")" != "$(name_of "$1")" ] || return 0
  done
  return 1
}

# find_mine DIR: the learner's directory for it, which may not exist yet.
find_mine() {
  local base=${1##*/} dir
  for dir in "$WORK"/[0-9]*-"$(name_of "$1")" "$WORK/${base%%-*}"-*; do
    [ ! -d "$WORK/$base" ] && [ -e "$dir/exercise.c" ] || continue
    if [ "$(name_of "$dir")" = "$(name_of "$1")" ] || ! belongs "$dir"; then
      echo "$dir"
      return
    fi
  done
  echo "$WORK/$base"
}

# What the learner gets: each region without our answer, and no marks of texts.
# A line `/* given: code */` within a region stands in the starter as code.
starter() {
  [ ! -e "$dir/starter.c" ] || { cat "$dir/starter.c" && return; }
  awk '
    /\/\* (region|end): [a-z0-9-]+ \*\// { next }
    /\/\* todo:/ { inside = telling = 1 }
    telling { print; telling = !/\*\//; next }
    inside && /\/\* done \*\// { inside = 0; next }
    inside && sub(/\/\* given: /, "") { sub(/ \*\/[ \t]*$/, ""); print; next }
    !inside { print }' "$1"
}

# The same with our answer, to be read beside the learner's.
answer() {
  awk '
    /\/\* (region|end): [a-z0-9-]+ \*\// { next }
    /\/\* todo:/ { telling = 1 }
    telling { telling = !/\*\//; next }
    /^ *\/\* (done|given: .*) \*\// { next }
    { print }' "$1"
}

must_begin() {
  [ -e "$mine/$page" ] ||
    usage "There is no $mine/$page yet: begin with \`make exercise$key\`"
}

# Seeds decide in one process: not for servers, nor for what waits for signals.
is_seeded() { grep -q '^check_runs ' "$dir/check.sh"; }

begin() {
  if [ -e "$mine/$page" ]; then
    echo "Nothing is written: $mine/$page is there already, and yours."
    echo "To begin anew, move it away first. Is it done? make check$key"
    return
  fi
  local where=': look for `todo`, and write' seed=
  [ "$page" = exercise.c ] || where=', and so are more files beside it'
  ! is_seeded || seed='SEED=7 or '
  mkdir -p "$mine" && (set -C && starter "$dir/exercise.c" >"$mine/$page") ||
    exit 1
  echo "$mine/$page is yours$where."
  echo "  make run NAME=${mine##*/}    runs it; ${seed}SANITIZE=thread works, too"
  echo "  make check$key    is it done?    make hint$key    a hint, if you want one"
  [ "$page" = exercise.c ] || { echo "What to build is in $dir/README.md." && return; }
  echo "What to do is under \"Your turn\" in $dir/README.md."
}

# hint NUMBER: prints that section of hints.md, or fails.
hint() {
  awk -v n="$1" '/^## / { at++ }
    at == n && /./ { print gap $0; gap = ""; found = 1 }
    at == n && !/./ { gap = "\n" }
    END { exit !found }' "$dir/hints.md"
}

count_hints() { grep -c '^## ' "$dir/hints.md"; }

shown_hints() { cat "$1/.hints" 2>/dev/null || echo 0; }

give_hint() {
  must_begin
  local next=$(($(shown_hints "$mine") + 1)) all
  all=$(count_hints)
  if ! hint "$next"; then
    local force=' FORCE=1'
    [ ! -e "$mine/.done" ] || force=
    echo "Those were all $all hints; they are in $dir/hints.md. Our solution:" \
      "make solution$key$force"
    return
  fi
  echo "$next" >"$mine/.hints"
  echo
  echo "(hint $next of $all)"
}

# Of a larger exercise there is nothing to compare: it is another program.
list_solution() {
  echo "Ours is in $dir. There are many good ones, and yours may be."
  (cd "$dir" && wc -l $(ls ./*.[ch] | grep -v 'starter.c\|check.c')) |
    sed '/ total$/d; s/^\( *[0-9]*\) \.\//  \1 lines  /'
}

solution() {
  if [ "${FORCE:-}" != 1 ] && [ ! -e "$mine/.done" ]; then
    echo "Try it first: our solution is shown when \`make check$key\` has" \
      "passed. If you cannot wait: make solution$key FORCE=1" >&2
    exit 1
  fi
  [ "$page" = exercise.c ] || { list_solution && return; }
  [ -e "$mine/exercise.c" ] || { answer "$dir/exercise.c" && return; }
  answer "$dir/exercise.c" >"$mine/.solution"
  echo "From yours (-) to ours (+). There are many good ones, and yours may be."
  echo
  diff -u "$mine/exercise.c" "$mine/.solution" | sed 1,2d
  rm -f "$mine/.solution"
}

# number NAME VALUE: 1 or more, as make passes it on.
number() {
  case $2 in
  *[!0-9]* | 0* | '') usage "$1 is a number from 1 on, not '$2'" ;;
  esac
}

check() {
  must_begin
  number SEEDS "$SEEDS"
  number SEED "${SEED:-1}"
  readme=$dir/README.md
  . common/check.sh
  . "$dir/check.sh"
  passed
}

# Other than by time, so that nothing depends on the clock of a file system.
state() { cat "$mine"/*.[ch] 2>/dev/null | cksum; }

watch() {
  must_begin
  local before= now
  trap 'echo; echo "No longer watched."; exit 0' INT TERM
  while :; do
    now=$(state)
    if [ "$now" != "$before" ]; then
      before=$now
      echo "== $(date +%H:%M:%S) make check$key"
      bash "$0" check "$key" "$dir"
      echo "== $mine is watched; Ctrl-C ends it"
    fi
    sleep 0.5
  done
}

title() {
  sed -n '1s/^# \(Lesson [0-9]*: \)*//p' "$dir/README.md"
}

progress_row() {
  local begun='' done='' hints=''
  [ ! -e "$mine/$(page_of "$dir")" ] || begun=yes
  [ ! -e "$mine/.done" ] || done=yes
  [ "$(shown_hints "$mine")" = 0 ] ||
    hints="$(shown_hints "$mine") of $(count_hints)"
  printf '%-8s %-22s %-6s %-6s %s\n' "${key#-}" "$(title)" "$begun" "$done" \
    "$hints"
}

progress() {
  printf '%-8s %-22s %-6s %-6s %s\n' exercise title begun done hints
  while [ $# -gt 0 ]; do
    key=$1 dir=$2 && shift 2
    mine=$(find_mine "$dir")
    progress_row
  done
  for mine in "$WORK"/[0-9]*-*; do
    [ ! -e "$mine/exercise.c" ] || belongs "$mine" || echo "$mine is here, and" \
      "no lesson of that name: rename it like its lesson's directory."
  done
}

cd "$(dirname "$0")/.." || exit
verb=$1 && shift
[ "$verb" != progress ] || { progress "$@"; exit; }
key=$1 dir=$2
page=$(page_of "$dir")
[ -e "$dir/$page" ] || usage "Lesson $key has no exercise yet."
mine=$(find_mine "$dir")
case $verb in
exercise) begin ;;
hint) give_hint ;;
solution) solution ;;
check) check ;;
watch) watch ;;
starter) starter "$dir/exercise.c" ;;
*) usage "exercise.sh has no verb $verb" ;;
esac
