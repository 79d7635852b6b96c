# check.sh: what the check.sh of an exercise is written with. exercise.sh reads
# this file and then that one. A check says what is wrong and ends at the first
# thing that is: `wrong` does both. One that comes to its end has passed.
#
#   about='...'             shown when all is well: what the exercise was about
#   read_again SECTION SENTENCE
#                           what to read if the next thing is wrong: a sentence
#                           of the lesson's README and its heading. A test
#                           proves that it stands there; give both as literals.
#   read_in DIR SECTION SENTENCE
#                           the same of another lesson
#   check_runs FUNCTION [ARG...]
#                           (what is read after a crash stands before it)
#                           runs the program with ARG... under seeds, with
#                           AddressSanitizer and with ThreadSanitizer. FUNCTION
#                           judges what it printed, which is in the file $out.
#                           Where there is no simulator it judges real runs.
#   run VARIANT [ARG...]    one run: address or thread. Ends as it should, or
#                           is wrong. Its output is in $out, all else in $err.
#   ways FUNCTION [ARG...]  under seeds alone
#   expect_output [WHAT]    $out is what stands on standard input; {*} is any
#                           text, lines between #{ and #} come in any order
#   seen PATTERN            does a line of $out match? (grep -E)
#   times PATTERN           how many do
#   in_order PATTERN...     do lines match one after the other?
#   source_has PATTERN      is it written in the learner's file?
#   wrong WHAT [EXPECTED]   says what was seen and expected, and ends
#
# For a program that is talked to, a server or one that waits for signals:
#
#   start VARIANT [ARG...]  starts it, and goes on. Its input stays open.
#   say_to TEXT             writes a line to its input; end_input closes it
#   await PATTERN WHAT [EXPECTED]
#                           waits for a line of $out; if none comes: wrong.
#                           often=2 await ... waits for two
#   signal NAME             sends it INT or TERM
#   finish [WHAT [EXPECTED]]
#                           waits for its end, and judges it as run does. If it
#                           does not end: wrong
#   serve VARIANT [ARG...]  starts a server; $endpoint is where it listens
#   beside=COMMAND          what to type beside it, to see it again
#   client WORD...          runs the program of check.c, which says on standard
#                           error what is wrong (status 1): that is wrong, too
#
# For a larger exercise, whose check.c is a row of scenes (exercises/check.h):
#
#   play_scenes             plays them, or those with $SCENE in their names,
#                           with AddressSanitizer and with ThreadSanitizer
#
# A check that knows why a program does not end defines `stuck`, which is called
# then and may say so. $LIMIT is the time in seconds after which a program is
# ended, $SPEED how much faster its seconds pass, and $ASAN what AddressSanitizer
# gets as options.

LIMIT=${CHECK_LIMIT:-10} SPEED=20 ASAN=
about= where= section= sentence= how= again= beside=
ran_seeds= program= pid= status= endpoint=
old_out=0 old_err=0 # lines that are not about what is tried now
tmp=$(mktemp -d) || exit
out=$tmp/out err=$tmp/err log=$tmp/log
mkfifo "$tmp/input" || exit
trap 'tidy' EXIT
trap 'exit 130' INT TERM

tidy() {
  [ -z "$pid" ] ||
    { pkill -KILL -P "$pid"; kill -KILL "$pid"; wait "$pid"; } 2>/dev/null
  rm -rf "$tmp"
}

# Lines of a literal are joined.
flat() {
  local text
  text=$(tr -s ' \n' '  ' <<<"$1")
  echo "${text% }"
}
read_again() { where=$readme section=$1 sentence=$(flat "$2"); }
read_in() { where=$1/README.md section=$2 sentence=$(flat "$3"); }

# ------------------------------------------------------------- what is said

indent() { sed 's/^/    /' | head -n "${1:-40}"; }

fit() { fold -s -w "${1:-78}" | sed 's/ *$//'; }

wrong() {
  flat "Not yet: $1" | fit
  tail -n "+$((old_out + 1))" "$out" >"$tmp/seen" 2>/dev/null
  tail -n "+$((old_err + 1))" "$err" >"$tmp/complaints" 2>/dev/null
  [ ! -s "$tmp/seen" ] || { echo && echo 'Seen:' && indent <"$tmp/seen"; }
  [ ! -s "$tmp/complaints" ] ||
    { echo && echo 'On standard error:' && indent 12 <"$tmp/complaints"; }
  [ ! -s "$tmp/warnings" ] ||
    { echo && echo 'The compiler warned:' && indent 5 <"$tmp/warnings"; }
  [ $# -lt 2 ] || { echo && echo 'Expected:' && indent <<<"$2"; }
  if [ -n "$sentence" ]; then
    echo
    echo "Read again in $where, \"$section\":"
    fit 74 <<<"\"$sentence\"" | indent
  fi
  echo
  [ -z "$again" ] || echo "See it again: $again"
  [ -z "$endpoint" ] || echo "Beside it:    $beside"
  echo "A hint:       make hint$key"
  exit 1
}

# What was tried in part is not done yet.
passed() {
  [ -z "${SEED:-}" ] || ! is_seeded || {
    echo "So far well: this was seed $SEED. All: make check$key"
    return
  }
  : >"$mine/.done"
  local with=
  [ -z "$ran_seeds" ] || with=" with $ran_seeds seeds and"
  echo "Well done. It holds$with under the sanitizers."
  [ -z "$about" ] || { echo && flat "$about" | fit; }
  echo
  echo "Ours beside yours: make solution$key. How far you are: make progress"
}

seen() { grep -Eq -e "$1" "$out"; }
times() { grep -Ec -e "$1" "$out"; }

# In what the learner has written, comments left out.
source_has() {
  sed 's/\/\*.*\*\///; s/\/\/.*//' "$mine"/*.c | grep -Eq -e "$1"
}

in_order() {
  local at=0 line pattern
  for pattern; do
    line=$(awk -v at="$at" 'NR > at' "$out" | grep -En -m 1 -e "$pattern") ||
      return
    at=$((at + ${line%%:*}))
  done
}

expect_output() {
  cat >"$tmp/expected"
  awk '
    function next_line() { return (getline line < expected) > 0 }
    function like(text, pattern,    n, parts, i, at) {
      n = split(pattern, parts, /\{\*\}/)
      if (n == 1)
        return text == pattern
      if (substr(text, 1, length(parts[1])) != parts[1])
        return 0
      text = substr(text, length(parts[1]) + 1)
      for (i = 2; i <= n; i++) {
        if (i == n && length(text) >= length(parts[i]))
          return substr(text, length(text) - length(parts[i]) + 1) == parts[i]
        if (!(at = index(text, parts[i])))
          return 0
        text = substr(text, at + length(parts[i]))
      }
      return 1
    }
    # Lines between #{ and #}, of which each takes one.
    function take_group(    n, i) {
      while (next_line() && line != "#}")
        group[++n] = line
      left = n
      size = n
    }
    function fits(text,    i) {
      if (!left && next_line()) {
        if (line == "#{")
          take_group()
        else
          return like(text, line)
      }
      for (i = 1; i <= size; i++)
        if (i in group && like(text, group[i])) {
          delete group[i]
          left--
          return 1
        }
      return 0
    }
    BEGIN { expected = ARGV[2]; ARGC = 2 }
    !fits($0) { bad = 1; exit }
    END { exit bad || left > 0 || (!bad && next_line()) }' \
    "$out" "$tmp/expected" ||
    wrong "${1:-it printed something else}" "$(grep -v '^#[{}]' "$tmp/expected")"
}

. common/check_run.sh
. common/check_talk.sh
