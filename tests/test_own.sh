#!/bin/sh
# Makes a new program as a learner would, edits and runs it, and tries names that
# are none. All of it is in a folder of its own. Prints the checks that fail.

cd "$(dirname "$0")/.." || exit
work=build/test-own wrong=0
rm -rf $work && mkdir -p $work && trap 'rm -rf $work' EXIT || exit
: "${MAKE:=make}" "${CC:=cc}"

# holds WHAT COMMAND...: the command succeeds.
holds() {
  what=$1 && shift
  "$@" >$work/result 2>&1 || {
    echo "does not hold: $what" && cat $work/result && wrong=1
  }
}

own() { $MAKE "$@" WORK=$work; }

# refuses WORDS VERB...: make ends with 2, and says so.
refuses() {
  words=$1 && shift
  own "$@" >$work/refusal 2>&1
  status=$?
  holds "make $* ends with 2, not $status" [ $status = 2 ]
  holds "make $* says: $words" grep -F -e "$words" $work/refusal
}

# prints WHAT VERB...: the lines of the page, and nothing on standard error.
prints() {
  what=$1 && shift
  own "$@" NAME=mine >$work/out 2>$work/err
  holds "$what" diff $work/lines $work/out
  holds "$what, without a word of complaint" diff /dev/null $work/err
}
cat >$work/lines <<'EOL'
heard 1 of 3
heard 2 of 3
heard 3 of 3
nothing more to hear
EOL

page=$work/mine/main.c
refuses 'make new NAME=mine' run NAME=mine
refuses 'make run NAME=mine' run
refuses 'make new NAME=mine' new
for name in .. a/b 'a b' -x "a'b" 'a;b' 'a*'; do
  refuses 'NAME is a word of letters, digits, - and _' new NAME="$name"
done
holds 'no folder was made' [ -z "$(ls -d $work/*/ 2>/dev/null)" ]

own new NAME=mine >$work/said 2>&1
holds 'it is written' [ $? = 0 ]
holds 'make says where' grep -F $page $work/said
holds 'no marks of ours are in it' [ "$(grep -c 'region:\|end:' $page)" = 0 ]

# A learner's edit, and one by which a second takes less.
sed 's/AX_SECONDS(1)/AX_MS(20)/' $page >$work/edited && mv $work/edited $page
echo 'static int not_used_yet;' >$work/mine/more.c
cp $page $work/mine.before
refuses 'has a program already' new NAME=mine
holds 'it is not overwritten' cmp $work/mine.before $page
own own NAME=mine >$work/said 2>&1
holds 'it builds, with a warning for what is half done' [ $? = 0 ]
holds 'the warning is there' grep -F not_used_yet $work/said
prints 'it runs' run
own trace NAME=mine >$work/out
trace=$(sed -n 's/^To see what happened open \([^ ]*\) .*/\1/p' $work/out)
holds 'its trace is written' grep -q on_line "${trace:-none}"

own show NAME=mine >$work/out 2>$work/err
holds 'it is run, and shown as bars' grep -q '^[a-z] on_line' $work/out
holds 'without a word of complaint' diff /dev/null $work/err
rm -f "$trace"

holds 'git does not see it' grep -qx /work/ .gitignore
$MAKE -n clean >$work/clean
holds 'clean leaves it' [ "$(cat $work/clean)" = 'rm -rf build' ]
rm -rf build/own/$work build/obj/$work
[ $wrong = 0 ] && echo 'a program of one'\''s own: written, edited, run'
exit $wrong
