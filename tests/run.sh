#!/bin/bash
# run.sh TEST...: runs test programs, three at a time since they often wait, and
# sums up.
#
# A test that passes shows cmocka's closing lines, which tell what was skipped;
# one that fails shows all it has printed. Every test is told where the lesson
# programs of its own variant are (LESSON_BIN), and that of a lesson which of them
# it may run (LESSON_RUNS, from RUNS_8 for lesson 8). It has five minutes, by its
# own alarm; this one is for what ignores that. What stands in FIXED goes before
# it. With TEST, programs that have no such test do not count.

limit=
command -v timeout >/dev/null && limit="timeout -k 5 ${TEST_TIMEOUT:-310}"

# run_one RESULTS TEST: prints the test's lines at once, so that those of two
# do not mix, and leaves a file that says how it ended.
run_one() {
  local results=$1 test=$2 output status
  local name=${test#build/}
  if [ ! -x "$test" ]; then
    echo "$name was not built"
    echo "NOT BUILT: $name" >"$results/failed.${name//\//.}"
    return
  fi
  export LESSON_BIN=$PWD/${test%/tests/*}/bin
  unset LESSON_RUNS
  case $test in
  */test_lesson[0-9]*)
    local runs=${test##*lesson}
    runs=RUNS_${runs%%_*}
    [ -z "${!runs-}" ] || export LESSON_RUNS=${!runs}
    ;;
  esac
  output=$($limit $FIXED "$test" </dev/null 2>&1)
  status=$?
  case $status in
  124 | 142) output+=$'\nIt did not end in time.' ;;
  esac
  if [ $status = 0 ] && grep -q '^\[  PASSED  \] 0 test' <<<"$output"; then
    : >"$results/empty.${name//\//.}"
  elif [ $status = 0 ]; then
    printf '%s\n%s\n' "$name" "$(sed -n '/^\[  PASSED  \]/,$p' <<<"$output")"
    : >"$results/passed.${name//\//.}"
  else
    printf '%s FAILED, exit status %d\n%s\n' "$name" $status "$output"
    echo "FAILED: $name" >"$results/failed.${name//\//.}"
  fi
}

count() { find "$results" -name "$1.*" | wc -l | tr -d ' '; }

if [ "$1" = --one ]; then
  run_one "$2" "$3"
  exit 0
fi
[ $# -gt 0 ] || { echo 'No tests.' && exit 0; }
results=$(mktemp -d) || exit
trap 'rm -rf "$results"' EXIT
printf '%s\n' "$@" | xargs -P 3 -n 1 bash "$0" --one "$results"
passed=$(count passed) failed=$(count failed) empty=$(count empty)
[ "$failed" = 0 ] || cat "$results"/failed.*
[ "$empty" = 0 ] || [ "$passed$failed" != 00 ] ||
  echo "No test is named '${TEST-}'."
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ] && [ $((passed + empty)) = $# ]
