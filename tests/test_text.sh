#!/bin/sh
# Breaks a small course in one place after the other, and sees that docs/text.sh
# names the place. Prints the cases that fail, and nothing when all is well.

tool=$(cd "$(dirname "$0")/.." && pwd)/docs/text.sh
home=$(mktemp -d) && trap 'rm -rf "$home"' EXIT && cd "$home" || exit
wrong=0

course() {
  mkdir -p common lessons/01-timer docs
  echo 'void ax_timer_wait(void);' >common/ax.h
  printf '%s\n' 'int a;' '/* region: wait */' '  wait();' '/* end: wait */' \
    >lessons/01-timer/main.c
  printf '%s\n' '# a rule' '[ 5 s] ding' >lessons/01-timer/expected.txt
  printf '%s\n' '# Lesson 1: a timer' '' '## What you see' '' \
    '<!-- output: lessons/01-timer/expected.txt -->' '```text' '[ 5 s] ding' \
    '```' '<!-- end -->' '' '<!-- code: lessons/01-timer/main.c wait -->' \
    '```c' '  wait();' '```' '<!-- end -->' '' \
    'See [below](#what-you-see) and `ax_timer_wait`.' \
    >lessons/01-timer/README.md
  printf '%s\n' '# Course' '' '<!-- lessons -->' '| N | lesson | shows |' \
    '|---|---|---|' '| 1 | [a timer](lessons/01-timer/README.md) | order |' \
    '<!-- end -->' '' \
    '[The picture](lessons/01-timer/README.md#what-you-see)' >README.md
  mkdir -p lessons/01-timer/hazards
  printf '%s\n' '/* A cup is' ' * lost. And more.' ' *' ' * Prints: 1 cups' \
    ' * Thread: data race, in on_cup' ' */' >lessons/01-timer/hazards/cup.c
  printf '%s\n' '/* The twin. */' >lessons/01-timer/hazards/cup_fixed.c
  printf '%s\n' '# Slides' '' \
    '```{.c code="lessons/01-timer/main.c" region="wait" lines="1"}' '```' \
    '```{.text output="lessons/01-timer/expected.txt"}' '```' >docs/deck.md
}

check() {
  sh "$tool" "${1:-check}" README.md docs/deck.md lessons/01-timer/README.md \
    lessons/01-timer/main.c 2>&1
}

# fails MESSAGE FILE SED: after that edit of FILE, the check says MESSAGE.
fails() {
  course
  sed "$3" "$2" >edited && cat edited >"$2"
  if said=$(check); then
    echo "not noticed: $1" && wrong=1
  elif ! printf '%s\n' "$said" | grep -qF "$1" ||
    printf '%s\n' "$said" | grep -v '^[^:]*:[0-9][0-9]*: [a-z]'; then
    printf 'expected: %s\nsaid: %s\n' "$1" "$said" && wrong=1
  fi
}

# holds WHAT COMMAND...: the command succeeds.
holds() {
  what=$1 && shift
  "$@" >said 2>&1 || { echo "does not hold: $what" && cat said && wrong=1; }
}

lesson=lessons/01-timer/README.md
main=lessons/01-timer/main.c

course
holds 'a good course passes' check
fails "$lesson:5: stale: not what lessons/01-timer/expected.txt holds" \
  lessons/01-timer/expected.txt 's/5 s/6 s/'
fails "$lesson:11: stale: not what lessons/01-timer/main.c wait holds" \
  $main 's/wait();/run();/'
fails "$lesson:11: there is no region wait in $main" $main 's/: wait/: run/'
fails "docs/deck.md:3: there is no region wait in $main" $main 's/: wait/: run/'
fails "docs/deck.md:5: there is no file lessons/01-timer/nothing.txt" \
  docs/deck.md 's/expected/nothing/'
fails "docs/deck.md:3: there is no on_ding in $main" \
  docs/deck.md 's/region="wait"/definition="on_ding"/'
fails "$main:2: region wait is not closed" $main '/end:/d'
fails "$lesson:11: region wait in $main is empty or not closed" $main '/end:/d'
fails "$main:4: region wait is empty" $main '3s/.*//'
fails "$main:3: end: wait without its region" $main '/region:/d'
fails "$main:4: region wait is there twice" $main '3{p;s/.*/\/* region: wait *\//
}'
fails "$lesson:11: there is no file lessons/01-timer/other.c" \
  $lesson 's/main.c wait/other.c wait/'
fails "$lesson:11: this block has no <!-- end -->" $lesson '15d'
fails "$lesson:17: dead anchor: #what-you-hear" $lesson 's/(#what.*)/(#what-you-hear)/'
fails "README.md:9: dead anchor: lessons/01-timer/README.md#what-you-see" \
  $lesson 's/## What you see/## What you hear/'
fails 'README.md:9: dead link: lessons/02-butler/README.md' \
  README.md '9s/01-timer/02-butler/'
fails "$lesson:17: the core has no ax_timer_weight" $lesson 's/ax_timer_wait/ax_timer_weight/'
fails 'README.md:3: stale: the table of lessons' $lesson '1s/timer/clock/'
fails 'README.md:3: lessons/01-timer/README.md has no text in the table' \
  README.md '/^| 1/d'
fails "README.md:3: $lesson has no title like" $lesson '1s/Lesson/Part/'
plan='<!-- times -->\
| start | minutes | what |\
|---|---|---|\
| 0:00 | 45 | more |\
| 1:00 | | end |\
<!-- end -->'
fails 'docs/deck.md:2: stale: the table of times' docs/deck.md "2s/.*/$plan/"
fails 'docs/deck.md:5: this row has no minutes' docs/deck.md \
  "2s/.*/$(echo "$plan" | sed 's/45//')/"
table='<!-- hazards -->\
| lesson | hazard | what is wrong | how it shows |\
|---|---|---|---|\
<!-- end -->'
fails 'docs/deck.md:2: stale: the table of hazards' docs/deck.md "2s/.*/$table/"
fails 'docs/deck.md:5: this block is not closed' docs/deck.md '6d'

# What is stale is rewritten, and what is right is left alone.
course
sed 's/wait();/run();/' $main >edited && cat edited >$main
sed 's/a timer/a clock/' README.md >edited && cat edited >README.md
: >lessons/01-timer/expected.txt && echo 'hello' >lessons/01-timer/expected.txt
echo "$table" | sed 's/\\$//' >>docs/deck.md
holds 'what is stale can be rewritten' check write
holds 'what was rewritten passes' check
holds 'the region is in the text' grep -qx '  run();' $lesson
holds 'the output is in the text' grep -qx 'hello' $lesson
holds 'the title is in the table, its text still there' grep -qx \
  '| 1 | \[a timer\](lessons/01-timer/README.md) | order |' README.md
holds 'the hazard is in the table' grep -qxF '| [1](../lessons/01-timer/README.md'\
'#what-breaks) | [cup.c](../lessons/01-timer/hazards/cup.c) | A cup is lost | '\
'prints: `1 cups`; thread: `data race, in on_cup` |' docs/deck.md
course && cp -r . ../copy.$$ && check write >/dev/null
holds 'what is right stays as it is' diff -r -x said . ../copy.$$
rm -rf ../copy.$$

if sh "$tool" check >said 2>&1; then
  echo 'without files it passes' && wrong=1
fi
exit $wrong
