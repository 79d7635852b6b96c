#!/bin/sh
# edits.sh [write]: do the edits that lessons tell to make show what they say?
#
# An edit is a patch of a lesson's main.c in tests/sim/edits. Its first line
# begins with the file, the second one is "Shows: PATTERN": among all ways that
# the program can go then is one with a line that matches. That one's seed must
# show it again. Where a text shows what it prints, in a .txt beside the patch,
# some line there must match, too, and those of a report on who waits for a mutex
# must be the same. `write` writes these anew.
set -u
mode=${1:-check}
passed=0 failed=0

# In any order, for which thread is which depends on the seed.
waiting() { sed -n 's/.*waits for a mutex that thread [0-9]* //p' | sort; }

for patch in tests/sim/edits/*.patch; do
  name=$(basename "$patch" .patch)
  rm -rf "build/edits/$name" && mkdir -p "build/edits/$name" || exit
  cp "$(sed '1s/,.*//;q' "$patch")" "build/edits/$name/main.c" || exit
  (cd "build/edits/$name" && git apply "../../../$patch") || exit
  shows=$(sed -n 's/^Shows: //p' "$patch")
  ways=$(MAKEFLAGS= make -s seeds NAME="$name" WORK=build/edits)
  seed=$(echo "$ways" | awk -v text="$shows" '
    sub(/.*SEED=/, "") { seed = $0 }
    $0 ~ text && !found { print seed; found = 1 }')
  again=$([ -n "$seed" ] &&
    MAKEFLAGS= make -s run NAME="$name" WORK=build/edits SEED="$seed" 2>&1)
  text=${patch%.patch}.txt
  [ ! -e "$text" ] || [ "$mode" = check ] ||
    echo "$again" | grep -v '^make' >"$text"
  if ! echo "$again" | grep -q -e "$shows"; then
    echo "$name: no way shows '$shows', or SEED=$seed does not:"
    echo "$ways"
    failed=$((failed + 1))
  elif [ -e "$text" ] && { ! grep -q -e "$shows" "$text" ||
    [ "$(waiting <"$text")" != "$(echo "$again" | waiting)" ]; }; then
    echo "$text is not what SEED=$seed shows: try \`make seeds-texts\`"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
