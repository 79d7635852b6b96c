#!/bin/bash
# test_hazards.sh: does `make hazards` fail when a hazard says what is not so?
# Little hazards, each with one fault, in build/false; the message must name it.
set -u
place=build/false/hazards
rm -rf build/false && mkdir -p $place || exit
wrong=0

# hazard NAME COMMENT BODY TWIN: two programs whose main is that.
hazard() {
  printf '/* A fault.\n *\n%s\n */\n' "$(sed 's/^/ * /' <<<"$2")" >$place/"$1".c
  printf '/* Its twin. */\n' >$place/"$1_fixed.c"
  for file in "$1" "$1_fixed"; do
    [ "$file" = "$1" ] && body=$3 || body=$4
    printf '#include <pthread.h>\n#include <stdio.h>\n#include <stdlib.h>\n%s\n%s\n' \
      '#include <unistd.h>' 'static char *cup; static int cups;' >>$place/"$file".c
    printf '%s\n' 'static void *on_cup(void *arg) { cups++; return cup; }' \
      'int main(void) { pthread_t james; (void)on_cup; (void)james;' "$body" '}' \
      >>$place/"$file".c
  done
}

two='puts("2 cups");' one='puts("1 cup");'
race='pthread_create(&james, NULL, on_cup, NULL); cups++;
  pthread_join(james, NULL); puts("2 cups");'
either='pthread_create(&james, NULL, on_cup, NULL); printf("%d cups\n", cups);
  pthread_join(james, NULL);'
beyond='cup = getcwd(NULL, 8192); putchar(cup[8192]); puts("2 cups");'
said=$'Fixed: 2 cups'

# Those that are right.
hazard prints "Prints: {0..1} cup"$'\n'"$said" "$one" "$two"
hazard race "Thread: data race, in on_cup"$'\n'"$said" "$race" "$two"
hazard outside "Address: heap-buffer-overflow, in main"$'\n'"$said" "$beyond" "$two"
hazard seeded "Seed: {0..1} cup"$'\n'"$said" "$either" "$two"
hazard hangs "Prints: 1 cup"$'\n'"Signal: ALRM"$'\n'"$said" \
  "$one"'fflush(stdout); alarm(1); pause();' "$two"
right='prints race outside seeded hangs'

# Those that are not, and why.
hazard other "Prints: 3 cups"$'\n'"$said" "$one" "$two"
hazard beyond "Prints: {2..9} cup"$'\n'"$said" "$one" "$two"
hazard fails "Prints: 1 cup"$'\n'"$said" "$one return 3;" "$two"
hazard ends "Signal: ALRM"$'\n'"$said" "$one" "$two"
hazard no_race "Thread: data race, in on_cup"$'\n'"$said" "$two" "$two"
hazard elsewhere "Thread: data race, in on_beach"$'\n'"$said" "$race" "$two"
hazard twin_races "Thread: data race"$'\n'"$said" "$race" "$race"
hazard no_seed "Seed: 3 cups"$'\n'"$said" "$either" "$two"
hazard twin_seeded "Seed: 1 cup"$'\n'"$said" "$either" "$either"
hazard twin_other "Prints: 1 cup"$'\n'"$said" "$one" "$one"
hazard twin_more "Prints: 1 cup"$'\n'"$said" "$one" "$two $two"
hazard unsaid "Prints: 1 cup" "$one" "$two"
hazard no_verdict "$said" "$one" "$two"
hazard no_program "Prints: 1 cup"$'\n'"$said" 'one cup' "$two"
hazard alone "Prints: 1 cup"$'\n'"$said" "$one" "$two" && rm $place/alone_fixed.c
false="other, Prints: no line has '3 cups'
beyond, Prints: no line has
fails, Prints: its exit status is 3
ends, Signal: SIGALRM did not end it: its exit status is 0
no_race, Thread: the sanitizer found nothing
elsewhere, Thread: on_beach of elsewhere.c stands in no frame
twin_races_fixed, Thread: its exit status is 66
no_seed, Seed: none of 500 seeds shows '3 cups'
twin_seeded_fixed, Seed: it can go more than one way
twin_other_fixed, Prints: it does not print
twin_more_fixed, Prints: it does not print
unsaid_fixed, Prints: the hazard has no line 'Fixed: '
no_verdict: its first comment has no verdict
no_program: build/false/hazards/no_program.c was not built for Prints
alone: it has no twin"

# What this machine lacks finds nothing.
if [ -n "${LACKS-}" ]; then
  right=${right/seeded/}
  false=$(grep -v ", $LACKS: " <<<"$false")
fi

prove() { bash tests/hazards/hazards.sh prove "$@" 2>&1; }

output=$(prove $(printf "$place/%s.c " $right)) ||
  { echo "what is right fails: $output" && wrong=1; }
case $right in *seeded*)
  shown=$(bash tests/hazards/hazards.sh show $place/seeded.c 2>&1)
  grep -A1 '^SEED=.* leads to:' <<<"$shown" | grep -q '^ *[01] cup' ||
    { echo "where a seed leads is not shown: $shown" && wrong=1; }
  ;;
esac
names=$(sed 's/_fixed//; s/[ ,:].*//' <<<"$false")
if output=$(prove $(printf "$place/%s.c " $names)); then
  echo 'what is wrong passes' && wrong=1
fi
grep -q "^hazards: 0 of $(wc -w <<<"$names" | tr -d ' ') are caught" <<<"$output" ||
  { echo "some are said to be caught: $output" && wrong=1; }
while read -r message; do
  name=${message%%[,: ]*}
  grep -qF "$place/$name.c${message#"$name"}" <<<"$output" ||
    { echo "not said: $message" && wrong=1; }
done <<<"$false"
[ $wrong = 0 ] || { echo "It said: $output" && exit 1; }
