#!/bin/sh
# test_edited.sh DIR: what the tests of DIR say to somebody who has edited a
# lesson. A script stands in for the lesson. The report must begin with what is
# different, and say so of a lesson that crashes, too; it must not be a crash of
# the test. Prints the checks that fail.

cd "$(dirname "$0")/.." || exit
tests=$PWD/$1
home=$(mktemp -d) && trap 'rm -rf "$home"' EXIT || exit
wrong=0

# stands_in N LINE...: a script for lesson N. The lines are its own.
stands_in() {
  file=$home/lesson$1 && shift
  { echo '#!/bin/sh' && printf '%s\n' "$@"; } >"$file" && chmod +x "$file"
}

# report N: what the test of lesson N says to that; it has to fail.
report() {
  LESSON_BIN=$home LESSON_RUNS=$1 "$tests/test_lesson$1" >"$home/said" 2>&1
  status=$?
  [ $status = 1 ] || fails "$1" "ends with $status, not 1"
  ! grep -q 'exception\|TEARDOWN' "$home/said" || fails "$1" 'crashes itself'
}

fails() {
  echo "does not hold: the test of lesson $1, edited, $2" && cat "$home/said"
  wrong=1
}

# says N TEXT WHAT
says() { grep -qF -e "$2" "$home/said" || fails "$1" "$3"; }

# first_says N: the difference comes before anything else that is wrong.
first_says() {
  says "$1" 'expected: ' 'shows what was expected'
  says "$1" 'actual: ' 'shows what came instead'
  says "$1" 'an edited line' 'shows all that came'
  sed '/^expected: /,$d' "$home/said" | grep -q 'ERROR\|FAILED' &&
    fails "$1" 'says something else first'
}

for n in 1 2 3 4 5 6 7 8 14; do
  stands_in $n 'echo an edited line'
  report $n
  first_says $n
done

stands_in 1 'echo an edited line' 'echo what went wrong >&2' 'exit 3'
report 1
first_says 1
says 1 'It ended with status 3.' 'tells the status'
says 1 'what went wrong' 'shows the errors'

stands_in 1 'kill -SEGV $$'
report 1
says 1 'It ended with status 139.' 'tells of a crash'

# All is as expected, but there is no trace.
stands_in 1 "sed 's/{\*}/0/' lessons/01-timer/expected.txt"
report 1
says 1 'trace' 'names the trace'

[ $wrong = 0 ] && echo 'edited lessons: what differs is told first'
exit $wrong
