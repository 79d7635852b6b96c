#!/bin/bash
# Does an exercise as a learner would: begins it, breaks it in many ways, asks for
# hints, renames its directory. All of it is in a folder of its own. Prints what
# does not hold.
cd "$(dirname "$0")/.." || exit
work=build/test-workshop wrong=0
rm -rf $work && mkdir -p $work && trap 'rm -rf $work' EXIT || exit
: "${MAKE:=make}"
export CHECK_LIMIT=2 MAKEFLAGS=--no-print-directory

# holds WHAT COMMAND...: the command succeeds.
holds() {
  local what=$1 && shift
  "$@" >$work/result 2>&1 || {
    echo "does not hold: $what" && cat $work/result $work/said && wrong=1
  }
}

# verb STATUS VERB...: make ends like that.
verb() {
  local wanted=$1 status && shift
  $MAKE "$@" WORK=$work SEEDS=10 >$work/said 2>&1
  status=$?
  holds "make $* ends with $wanted, not $status" [ $status = "$wanted" ]
}

# says WORDS: what it said last, lines joined.
says() { holds "it says: $1" grep -qF -e "$1" <<<"$(tr -s ' \n' '  ' <$work/said)"; }

# write CODE: the exercise, with this in place of its first todo.
file=$work/01-timer/exercise.c
write() {
  awk -v code="$1" '
    /\/\* todo:/ { inside = 1; if (!n++) print code }
    !inside
    /\/\* done \*\// { inside = 0 }' lessons/01-timer/exercise.c >$file
}

verb 2 exercise99
says 'The lessons are'
verb 2 check1
says 'begin with `make exercise1`'
verb 2 hint1

verb 0 exercise1
says "$file is yours"
says 'SEED=7 or SANITIZE=thread works'
cp $file $work/begun.c
echo '/* mine */' >>$file
cp $file $work/mine.c
verb 0 exercise1
says 'Nothing is written'
holds 'it is not overwritten' cmp $file $work/mine.c
verb 2 solution1
says 'Try it first'
holds 'no solution is told' [ "$(grep -c ax_timer $work/said)" = 0 ]

verb 2 check1 SEED=many
says "SEED is a number from 1 on, not 'many'"
verb 2 check1
says 'the tea never came'
says 'See it again: make run NAME=01-timer SEED=1'
holds 'what it names can be run' grep -q 'slushie is ready' <(
  $MAKE run NAME=01-timer SEED=1 WORK=$work)

write '  this is no C;'
verb 2 check1
says 'does not compile'
says "$file:"
write '  int cup = ANY_CUP(3);'
verb 2 check1
says 'does not compile'
says "error: implicit declaration of function"
write '  for (;;)
    continue;'
verb 2 check1
says 'it did not end'
write '  int spare;'
verb 2 check1
says 'The compiler warned:'
says 'unused variable'
write '  *(volatile int *)8 = 1;'
verb 2 check1
says 'Segmentation fault'
write '  ax_work_begin(context);'
verb 2 check1
says 'it does not end: all threads wait'
write '  volatile char *cup = malloc(8);
  free((void *)cup);
  cup[1] = 1;'
sed -i.bak '1i #include <stdlib.h>' $file && rm -f $file.bak
verb 2 check1
says 'memory is used after it was freed'
holds 'nothing is done yet' [ ! -e $work/01-timer/.done ]

verb 0 hint1
says '(hint 1 of 3)'
verb 0 hint1
says '(hint 2 of 3)'
verb 0 hint1
says 'Nearly all of it'
verb 0 hint1
says 'Those were all 3 hints'
says 'make solution1 FORCE=1'
verb 0 solution1 FORCE=1
says '+ ax_timer_wait(tea'

# A server is talked to: no seed, and what to type beside it.
verb 0 exercise12
holds 'no seed is offered' [ "$(grep -c SEED $work/said)" = 0 ]
verb 2 run NAME=12-framing SEED=7
says 'others talk to 12-framing'
verb 2 run NAME=12-framing ARGS='/tmp/one.sock /tmp/two.sock'
says "it listens on one endpoint, and '/tmp/two.sock' is a second"
verb 2 check12
says 'ARGS="--limit 8 /tmp/lines.sock"'
says 'nc -N -U /tmp/lines.sock'

cp lessons/01-timer/exercise.c $file
verb 0 check1 SEED=7
says 'So far well'
holds 'one seed is not all' [ ! -e $work/01-timer/.done ]
verb 0 check1
says 'Well done'
verb 0 solution1
says 'From yours (-) to ours (+)'
verb 0 hint1
holds 'no force is needed' [ "$(grep -c FORCE $work/said)" = 0 ]
verb 0 progress
holds 'progress tells it' grep -Eq '^1 +a timer +yes +yes +3 of 3' $work/said

# What a renamed lesson leaves behind is found again.
mv $work/01-timer $work/42-timer
verb 0 exercise1
says "$work/42-timer/exercise.c is there already"
mv $work/42-timer $work/01-clock
verb 0 check1
says 'Well done'
mv $work/01-clock $work/01-strand
verb 2 check1
says 'begin with'
mv $work/01-strand $work/01-mine
mv $work/01-mine/exercise.c $work/01-mine/main.c
verb 2 check1
says 'begin with'
mv $work/01-mine/main.c $work/01-mine/exercise.c
mv $work/01-mine $work/42-clock
verb 0 progress
says "$work/42-clock is here, and no lesson of that name"
mv $work/42-clock $work/01-timer

# A check each time that the file is saved.
MAKE=$MAKE CC=${CC:-cc} WORK=$work SCHEDULER=${SCHEDULER:-fast} SEED='' SEEDS=10 \
  FORCE='' ROOT=${ROOT:-build} FIXED=${FIXED:-} DARWIN="$(uname | grep Darwin)" \
  bash common/exercise.sh watch 1 lessons/01-timer >$work/said 2>&1 &
watcher=$!
# checked TIMES: waits until so many checks are over.
checked() {
  local until=$((SECONDS + 30))
  while [ "$(grep -c 'is watched' $work/said)" -lt "$1" ]; do
    [ $SECONDS -lt $until ] || return
    sleep 0.1
  done
}
holds 'it is checked at once' checked 1
cp $work/begun.c $file
holds 'it is checked when it is saved' checked 2
says 'Well done'
says 'the tea never came'
kill -TERM $watcher
wait $watcher
holds 'a signal ends it' [ $? = 0 ]

$MAKE -n clean >$work/said
holds 'clean leaves it' [ "$(cat $work/said)" = 'rm -rf build' ]
rm -rf build/*/own/$work build/*/obj/$work build/own/$work build/obj/$work
[ $wrong = 0 ] && echo 'an exercise: begun, broken, helped, done, renamed'
exit $wrong
