#!/bin/sh
# edits.sh: do the edits that lessons tell to make show what they say?
#
# An edit is a patch of a lesson's main.c in tests/sim/edits. Its first line
# begins with the file, the second one is "Shows: TEXT": among all ways that the
# program can go then is one with this text. That one's seed must show it again.
set -u
passed=0 failed=0
for patch in tests/sim/edits/*.patch; do
  name=$(basename "$patch" .patch)
  rm -rf "build/edits/$name" && mkdir -p "build/edits/$name" || exit
  cp "$(sed '1s/,.*//;q' "$patch")" "build/edits/$name/main.c" || exit
  (cd "build/edits/$name" && git apply "../../../$patch") || exit
  shows=$(sed -n 's/^Shows: //p' "$patch")
  ways=$(MAKEFLAGS= make -s seeds NAME="$name" WORK=build/edits)
  seed=$(echo "$ways" | awk -v text="$shows" '
    sub(/.*SEED=/, "") { seed = $0 }
    index($0, text) && !found { print seed; found = 1 }')
  again=$([ -n "$seed" ] &&
    MAKEFLAGS= make -s run NAME="$name" WORK=build/edits SEED="$seed" 2>&1)
  case $again in
  *"$shows"*) passed=$((passed + 1)) ;;
  *)
    echo "$name: no way shows '$shows', or SEED=$seed does not:"
    echo "$ways"
    failed=$((failed + 1))
    ;;
  esac
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
