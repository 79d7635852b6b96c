#!/bin/bash
# test_exercises.sh KEY=DIR...: does each exercise begin wrong and end right?
#
# For every exercise, all at once: its starter compiles and its check fails with
# words, its solution passes, the wrong ones beside it (wrong/NAME.c) fail with
# the words of their first line, `/* Says: ... */`, it has three hints or more
# and none is empty, and each sentence that the check tells to read again stands
# under that heading. The lessons are given $SEEDS seeds, 30 if not said. ONLY=5
# tests one. What is wrong is printed; then the status is 1.
cd "$(dirname "$0")/.." || exit
: "${MAKE:=make}" "${SEEDS:=30}"
: "${BIN:=build/bin}"
export MAKE SEEDS BIN

complain() {
  echo "$dir: $*"
  wrong=1
}

# lay FILE WHERE: what the learner would have there. Of a larger exercise FILE may
# be its directory, with all that is our solution.
lay() {
  if [ ! -d "$1" ]; then
    cp "$1" "$2/$page"
    return
  fi
  cp "$1"/*.[ch] "$2" && rm -f "$2/starter.c" "$2/check.c"
}

# try FILE WHERE: its check; what it says is in $said.
try() {
  local where=build/test-exercises/$2 status
  said=$where.said
  mkdir -p "$where/${dir##*/}"
  lay "$1" "$where/${dir##*/}"
  MAKEFLAGS=--no-print-directory $MAKE "check$key" WORK="$where" SEEDS="$SEEDS" >"$said" 2>&1
  status=$?
  rm -rf "$where"
  return $status
}

# Says what and why, with a place to read and a way to see it again.
explains() {
  local words
  for words in '^Not yet: ' '^Read again in ' '^See it again: ' '^A hint: '; do
    grep -q "$words" "$said" && continue
    complain "$1 is wrong, and the check does not say '$words':" && cat "$said"
    return
  done
}

starter_fails() {
  bash common/exercise.sh starter "$key" "$dir" >"build/test-exercises/$key.c"
  [ "$page" = main.c ] || grep -q '/\* todo:' "build/test-exercises/$key.c" ||
    complain 'exercise.c has no region /* todo: ... */ ... /* done */'
  ! grep -q '/\* done \*/\|/\* given: ' "build/test-exercises/$key.c" ||
    complain 'exercise.c has a /* done */ without its /* todo: */'
  if try "build/test-exercises/$key.c" "starter$key"; then
    complain 'the starter passes'
  else
    explains 'the starter'
  fi
}

solution_passes() {
  local ours=$dir
  [ "$page" = main.c ] || ours=$dir/exercise.c
  try "$ours" "solution$key" ||
    { complain 'the solution does not pass:' && cat "$said"; }
  ! grep -q 'warning:' "$said" || complain 'the solution has warnings'
}

# All files of a larger solution, edited.
edit_all() {
  local file edited=build/test-exercises/$key.edited changed=
  mkdir -p "$edited" && rm -f "$edited"/*
  for file in "$dir"/*.[ch]; do
    sed -E -f "$1" "$file" >"$edited/${file##*/}"
    cmp -s "$file" "$edited/${file##*/}" || changed=1
  done
  [ -n "$changed" ] || complain "$1 changes nothing" >&2
  echo "$edited"
}

# What is wrong in one place may be the solution, edited by sed: wrong/NAME.sed.
answer_of() {
  case $page$1 in
  main.c*.sed) edit_all "$1" ;;
  *.sed)
    sed -E -f "$1" "$dir/exercise.c" >"build/test-exercises/$key.edited.c"
    ! cmp -s "$dir/exercise.c" "build/test-exercises/$key.edited.c" ||
      complain "$1 changes nothing" >&2
    echo "build/test-exercises/$key.edited.c"
    ;;
  *) echo "$1" ;;
  esac
}

# Those of the larger exercises take long: ONLY=-http tries them.
wrong_ones_fail() {
  local file words
  [ "$page" = exercise.c ] || [ -n "${ONLY:-}" ] || return
  for file in "$dir"/wrong/*.c "$dir"/wrong/*.sed; do
    [ -e "$file" ] || continue
    words=$(sed -n '1s/^\(\/\*\|#\) Says: //p' "$file" | sed 's/ \*\/$//')
    [ -n "$words" ] || complain "$file does not begin with /* Says: WORDS */"
    if try "$(answer_of "$file")" "wrong$key"; then
      complain "$file passes"
    elif ! tr -s ' \n' '  ' <"$said" | grep -qF "$words"; then
      complain "of $file the check does not say '$words':" && cat "$said"
    else
      explains "$file"
    fi
  done
}

hints_are_there() {
  awk '/^## / { if (at && !full) empty = at; at = $0; n++; full = 0; next }
    /[a-z]/ { full = 1 }
    END {
      if (n < 3) print "hints.md has less than three hints"
      if (n && !full) empty = at
      if (empty) print "hints.md has an empty hint: " empty
      exit n < 3 || empty != "" }' "$dir/hints.md" >"build/test-exercises/$key.hints" ||
    complain "$(cat "build/test-exercises/$key.hints")"
}

# Text in one line, each run of white space one blank.
flat() { tr -s ' \n' '  '; }

stands() {
  awk -v heading="$1" '
    /^#+ / { title = $0; sub(/^#+ /, "", title); inside = title == heading }
    inside' "$dir/README.md" | flat | grep -qF -- "$(flat <<<"$2" | sed 's/ *$//')" ||
    complain "the README has no '$2' under '$1'"
}

# Scenes name other READMEs as well.
scenes_sentences_stand() {
  local readme heading sentence here=$dir
  while IFS=$'\t' read -r readme heading sentence; do
    dir=${readme%/*}
    stands "$heading" "$sentence"
  done < <("$BIN/check$key" --readings)
  dir=$here
}

# Each call is taken out of the check, with the lines that it goes on.
sentences_stand() {
  [ "$page" = exercise.c ] || { scenes_sentences_stand && return; }
  read_again() { stands "$@"; }
  read_in() {
    local dir=$1 && shift
    stands "$@"
  }
  local calls
  calls=$(awk -v quote="'" '
    /^ *read_(again|in) [^"]/ { text = ""; inside = 1 }
    inside {
      text = text $0 "\n"
      if (gsub(quote, quote, text) % 2 == 0 && $0 !~ /\\$/) {
        printf "%s", text
        inside = 0
      }
    }' "$dir/check.sh" common/check_run.sh)
  [ -n "$calls" ] || complain 'check.sh has no read_again'
  eval "$calls"
}

one() {
  key=${1%%=*} dir=${1#*=} wrong=0 page=exercise.c
  [ ! -e "$dir/starter.c" ] || page=main.c
  for file in check.sh hints.md README.md; do
    [ -e "$dir/$file" ] || { complain "$file is missing" && return 1; }
  done
  [ "$key" = "${key#-}" ] && ! flat <"$dir/README.md" | grep -q "make check$key" &&
    complain "its README does not say make check$key"
  hints_are_there
  sentences_stand
  starter_fails
  solution_passes
  wrong_ones_fail
  return $wrong
}

if [ "${1-}" = --one ] && [ "$2" = workshop ]; then
  exec bash tests/test_workshop.sh
elif [ "${1-}" = --one ]; then
  said=$(one "$2" 2>&1)
  status=$?
  [ -z "$said" ] || echo "$said"
  exit $status
fi
rm -rf build/test-exercises && mkdir -p build/test-exercises || exit
count=0 list=()
for pair; do
  [ -z "${ONLY:-}" ] || [ "${pair%%=*}" = "$ONLY" ] || continue
  list+=("$pair") count=$((count + 1))
done
[ $count -gt 0 ] || { echo "No exercise is named '${ONLY:-}'." >&2 && exit 2; }
# What the verbs themselves do is tried beside them.
[ -n "${ONLY:-}" ] || list=(workshop "${list[@]}")
printf '%s\n' "${list[@]}" | xargs -P 3 -n 1 bash "$0" --one || exit 1
rm -rf build/test-exercises
echo "exercises: $count begin wrong and end right"
