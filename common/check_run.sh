# check_run.sh: builds the learner's program in a variant, runs it, once or under
# seeds, and judges how it ended. Read by check.sh, where the functions are told.

# build VARIANT: address, thread or sim; $program is then its path.
build() {
  local sanitize=$1 seed= # the learner's SEED is not for this make
  [ "$1" != sim ] || sanitize= seed=1
  program=$ROOT/$1/own/$WORK/${mine##*/}
  [ -e "$ROOT/$1/libax.a" ] || case $1 in
  sim) echo '(Building the core for seeds, once.)' ;;
  *) echo "(Building the core with the $1 sanitizer, once.)" ;;
  esac
  MAKEFLAGS= $MAKE -s -j"$(getconf _NPROCESSORS_ONLN)" own \
    NAME="${mine##*/}" WORK="$WORK" CC="$CC" SCHEDULER="$SCHEDULER" \
    EXERCISE_OF="$key" SANITIZE=$sanitize SEED=$seed >"$log" 2>&1 && {
    grep 'warning:' "$log" >>"$tmp/warnings"
    return 0
  }
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
  *use-after-free*)
    [ -z "$endpoint" ] ||
      read_in lessons/10-echo 'The idea' '`ax_keep(s, ...)` makes the pending operation hold a reference, from the initiating call until its handler has returned.'
    wrong 'memory was used after it had been freed.'
    ;;
  *stack-use-after*) wrong 'a local variable was used after its function had returned.' ;;
  *overflow*) wrong 'something was read or written beyond its end.' ;;
  *LeakSanitizer*)
    if [ -z "$endpoint" ]; then
      read_in lessons/01-timer 'The code' 'At the end `main` frees the context with `ax_context_free`, and calls `ax_unref` on everything else that a `..._new` made.'
    else
      read_in lessons/10-echo 'The idea' 'A handler that initiates nothing more lets the last reference go, and `session_destroy` runs.'
    fi
    wrong 'memory was never freed: to each ..._new belongs an ax_unref or
ax_context_free. One that is forgotten can show as several, for what holds a
thing keeps all that the thing holds.'
    ;;
  *'data race'*)
    [ -z "$endpoint" ] ||
      read_in lessons/05-strand 'What breaks' 'A strand protects data only if every handler that touches it is on the strand.'
    wrong 'two threads touched the same variable, and nothing kept
them apart: a data race.'
    ;;
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
  [ $# -eq 0 ] || again="$again ARGS=\"$(by_hand "$*")\""
  : >"$out" && : >"$err"
  old_out=0 old_err=0
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

