# check.sh: what the check.sh of an exercise is written with. exercise.sh reads
# this file and then that one. A check says what is wrong and ends at the first
# thing that is: `wrong` does both. One that comes to its end has passed.
#
#   about='...'             shown when all is well: what the exercise was about
#   read_again SECTION SENTENCE
#                           what to read if the next thing is wrong: a sentence
#                           of the lesson's README and its heading. A test
#                           proves that it stands there; give both as literals.
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
about= section= sentence= how= again=
ran_seeds= program= pid= status=
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
read_again() { section=$1 sentence=$(flat "$2"); }

# ------------------------------------------------------------- what is said

indent() { sed 's/^/    /' | head -n "${1:-40}"; }

fit() { fold -s -w "${1:-78}" | sed 's/ *$//'; }

wrong() {
  flat "Not yet: $1" | fit
  [ ! -s "$out" ] || { echo && echo 'Seen:' && indent <"$out"; }
  [ ! -s "$err" ] || { echo && echo 'And it complained:' && indent 12 <"$err"; }
  [ $# -lt 2 ] || { echo && echo 'Expected:' && indent <<<"$2"; }
  if [ -n "$sentence" ]; then
    echo
    echo "Read again in $readme, \"$section\":"
    fit 74 <<<"\"$sentence\"" | indent
  fi
  echo
  [ -z "$again" ] || echo "See it again: $again"
  echo "A hint:       make hint$key"
  exit 1
}

passed() {
  : >"$mine/.done"
  local where=
  [ -z "$ran_seeds" ] || where=" with $ran_seeds seeds and"
  echo "Well done. It holds$where under the sanitizers."
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

# ----------------------------------------------------------------- building

# build VARIANT: address, thread or sim; $program is then its path.
build() {
  local how=SANITIZE=$1
  [ "$1" != sim ] || how=SEED=1
  program=$ROOT/$1/own/$WORK/${mine##*/}
  [ -e "$ROOT/$1/libax.a" ] || echo "(The first check builds the core, too.)"
  MAKEFLAGS= $MAKE -s -j"$(getconf _NPROCESSORS_ONLN)" own NAME="${mine##*/}" WORK="$WORK" CC="$CC" \
    SCHEDULER="$SCHEDULER" EXERCISE_OF="$key" "$how" >"$log" 2>&1 && return
  grep -v '^make' "$log"
  echo
  echo "Not yet: $mine does not compile. Begin with the first \`error\` above:"
  echo "it says file and line. Mend that one, and try again; those below it are"
  echo "often its consequences."
  exit 1
}

# ------------------------------------------------------------------ running

# limited SECONDS COMMAND...: becomes the command, with a limit of time and of what
# it may print. A shell makes what it starts in the background deaf to SIGINT.
limited() {
  ulimit -f 20000
  if command -v perl >/dev/null; then
    exec perl -e '$SIG{INT} = "DEFAULT"; alarm shift; exec @ARGV' "$@"
  else
    exec timeout --foreground -s KILL "$@"
  fi
}

# What the sanitizer found, and where in the learner's file.
finding() {
  grep -E 'ERROR: |WARNING: Thread|runtime error:' "$err" | head -n 1 |
    sed 's/^==*[0-9]*==*//; s/ on address.*//; s/ (pid.*//'
  grep -E "#[0-9]+ .*${mine##*/}/" "$err" |
    sed 's/.* in //; s/^ *#[0-9]* //; s/ (BuildId.*//; s/ ([^ ]*+0x.*//; s/^/  /' |
    awk '!known[$0]++' | head -n 4
}

found() {
  finding >"$tmp/finding"
  cp "$tmp/finding" "$err"
  case $(cat "$err") in
  *use-after-free*) wrong 'memory was used after it had been freed.' ;;
  *stack-use-after*) wrong 'a local variable was used after its function had returned.' ;;
  *overflow*) wrong 'something was read or written beyond its end.' ;;
  *LeakSanitizer*) wrong 'memory was never freed: to each ..._new belongs an
ax_unref or ax_context_free.' ;;
  *'data race'*) wrong 'two threads touched the same variable, and nothing kept
them apart: a data race.' ;;
  *) wrong 'a sanitizer has found something.' ;;
  esac
}

# Was it ended by the limit of time?
hangs() { [ "$status" = 142 ] || [ "$status" = 137 ]; }

# What the core refused, in the words of its assertion.
refused() {
  local why
  why=$(sed -n 's/.*Assertion.* && "\(.*\)".*/\1/p' "$1")
  [ -z "$why" ] || wrong "the core refused a call: $why."
}

# A check may know better why a program does not end.
stuck() { :; }

# Ended by itself and without complaint?
judge() {
  if grep -Eq 'ERROR: (Add|Leak)|WARNING: Thread|runtime error:' "$err"; then
    found
  fi
  ! hangs || stuck
  ! hangs || wrong "it did not end. It was ended after $LIMIT seconds, \
which are $((LIMIT * SPEED)) of its own: something is still pending, a butler \
waits for work, or a loop has no end."
  refused "$err"
  case $status in
  153) wrong 'it printed without an end, and was ended.' ;;
  0) ;;
  *) [ "$status" -gt 128 ] &&
    wrong "it crashed: $(kill -l $((status - 128)) 2>/dev/null)."
    wrong "it ended with exit status $status." ;;
  esac
}

quickly() {
  local variant=$1 && shift
  build "$variant"
  again="${ASAN:+ASAN_OPTIONS=$ASAN }LESSON_SPEED=$SPEED make run"
  again="$again NAME=${mine##*/} SANITIZE=$variant"
  [ $# -eq 0 ] || again="$again ARGS=\"$*\""
  : >"$out" && : >"$err"
  export LESSON_SPEED=$SPEED
  # What takes memory without an end is stopped before the machine is.
  export ASAN_OPTIONS=${ASAN_OPTIONS-}:$ASAN:hard_rss_limit_mb=2000
  export TSAN_OPTIONS=${TSAN_OPTIONS-}:hard_rss_limit_mb=2000
}

# The shell's own words about a signal are not the program's.
quiet() { { (limited "$@" >"$out" 2>"$err"); } 2>/dev/null; }

run() {
  quickly "$@" && shift
  quiet "$LIMIT" $FIXED "$program" "$@" </dev/null
  status=$?
  judge
}

# Each way is a file of what was printed, named by a number and its seed.
split_ways() {
  rm -rf "$tmp/ways" && mkdir "$tmp/ways" && cp "$out" "$log"
  awk -v to="$tmp/ways/" '
    match($0, /SEED=[0-9]+$/) {
      file = sprintf("%s%04d-%s", to, ++n, substr($0, RSTART + 5))
      printf "" > file
      next
    }
    sub(/^     /, "") { print > file }' "$log"
}

judge_way() {
  sed '/^and then: /d' "$1" >"$out"
  local seed=${1##*-} how
  again="make run NAME=${mine##*/} SEED=$seed${arguments:+ ARGS=\"$arguments\"}"
  how=$(sed -n 's/^and then: //p' "$1")
  refused "$out"
  case $how in
  '') ;;
  *deadlock*) stuck
    wrong "with SEED=$seed it does not end: all threads wait, and \
nothing is left that would wake them." ;;
  *) wrong "with SEED=$seed it ends like this: $how." ;;
  esac
}

# try_seeds LIMIT FIRST COUNT FUNCTION [ARG...]
try_seeds() {
  local limit=$1 first=$2 count=$3 judging=$4 way && shift 4
  arguments=$*
  again="make run NAME=${mine##*/} SEED=$first${arguments:+ ARGS=\"$arguments\"}"
  unset LESSON_SPEED # time is virtual there
  SIM_SEED=$first SIM_SEEDS=$count SIM_SHOWN=1000 SIM_LIMIT=300000 \
    quiet "$limit" $FIXED "$program" "$@" </dev/null || {
    : >"$out"
    wrong 'it did not end, and was ended: it has a loop without an end.'
  }
  split_ways
  local before=("$section" "$sentence")
  for way in "$tmp"/ways/*; do
    read_again "${before[@]}"
    judge_way "$way"
    $judging
  done
  read_again "${before[@]}"
}

# One seed first: what never ends is found soon then.
ways() {
  [ -z "$DARWIN" ] || return 0
  build sim
  : >"$err"
  if [ -n "$SEED" ]; then
    try_seeds "$LIMIT" "$SEED" 1 "$@"
    return
  fi
  try_seeds "$LIMIT" 1 1 "$@"
  try_seeds 120 1 "$SEEDS" "$@"
  [ "$SEEDS" -lt 2 ] || ran_seeds=$SEEDS
}

check_runs() {
  local judging=$1 variant before=("$section" "$sentence") && shift
  ways "$judging" "$@"
  for variant in address thread; do
    read_again "${before[@]}"
    run $variant "$@"
    [ -z "$DARWIN" ] || $judging
  done
}

# ------------------------------------------------ programs that are talked to

start() {
  quickly "$@" && shift
  exec 7<>"$tmp/input"
  (limited "$LIMIT" $FIXED "$program" "$@" <"$tmp/input" 7>&- >"$out" 2>"$err") &
  pid=$!
}

say_to() { printf '%s\n' "$1" >&7; }
end_input() { exec 7>&-; }

# ended WHAT [EXPECTED]: it has ended, and well; or else is wrong, and if it hung
# that is WHAT.
ended() {
  wait "$pid" 2>/dev/null
  status=$?
  pid=
  ! hangs || wrong "$@"
  judge
}

await() {
  local pattern=$1 && shift
  while [ "$(times "$pattern")" -lt "${often:-1}" ]; do
    kill -0 "$pid" 2>/dev/null || {
      ended "$@"
      [ "$(times "$pattern")" -ge "${often:-1}" ] || wrong "$@"
      return
    }
    sleep 0.02
  done
}

signal() { kill -"$1" "$pid"; }

finish() {
  [ -n "$pid" ] || return 0
  if [ $# -gt 0 ]; then
    ended "$@"
  else
    wait "$pid" 2>/dev/null
    status=$?
    pid=
    judge
  fi
}

serve() {
  start "$@"
  await '^listening on ' 'it does not say where it listens'
  endpoint=$(sed -n 's/^listening on //p;/^listening/q' "$out")
}

# built PROGRAM: builds build/bin/PROGRAM of the course, and prints its path.
built() {
  MAKEFLAGS= $MAKE -s "$ROOT/bin/$1" CC="$CC" SCHEDULER="$SCHEDULER" >&2 &&
    echo "$ROOT/bin/$1"
}

client() {
  local checker
  checker=$(built "check$key") || exit
  (limited "$LIMIT" "$checker" "$@" >"$tmp/client.out" 2>"$tmp/client.err") &&
    return
  wrong "$(cat "$tmp/client.err")"
}

# It says by itself what is wrong.
play_scenes() {
  local checker tool
  checker=$(built "check$key") || exit
  for tool in AddressSanitizer ThreadSanitizer; do
    quickly "$([ $tool = AddressSanitizer ] && echo address || echo thread)"
    echo "With $tool:"
    $FIXED "$checker" "$program" ${SCENE:+"$SCENE"} || exit
  done
}
