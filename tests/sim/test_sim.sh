#!/bin/sh
# test_sim.sh PROGRAM: does the simulator see what it claims to see?
#
# Runs the little programs of tests/sim/broken under seeds. Of each it knows
# whether the simulator has to report something, what, and where, or what the
# program may print. Prints a line for each check that fails, with what it got.
set -u
program=$1 sources=$(dirname "$0")/broken passed=0 failed=0
unset SIM_SEED SIM_SEEDS SIM_TELL SIM_MEMORY SIM_TSO SIM_FAULTS SIM_HASH
export SIM_LIMIT=20000
[ -x "$program" ] || { echo "there is no program $program" >&2; exit 2; }

# ------------------------------------------------------------------- checks

# holds WHAT COMMAND...: the command succeeds; if not, shows what was told.
holds() {
  what=$1 && shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $what; got: $(echo "$told" | tr -s '\n ' '| ' | cut -c 1-900)"
  fi
}

contains() { case $told in *"$1"*) ;; *) false ;; esac }
says() { holds "$name says '$1'" contains "$1"; }
is() { holds "$name gives '$1'" [ "$told" = "$1" ]; }

# What the report has to say of the lines that are marked for the program, as
# broken.h tells: `in FUNCTION (FILE:LINE)`.
marks() {
  awk -v name="$name" '
    BEGIN {
      words["here:"] = "in"; words["held:"] = "locked in"
      words["allocated:"] = "allocated by"; words["freed:"] = "freed by"
    }
    /^(static|PROGRAM).*\(/ {
      line = $0
      sub(/^PROGRAM\(/, "", line) ? sub(/,.*/, "", line) : sub(/\(.*/, "", line)
      sub(/.*[ *]/, "", line)
    }
    match($0, /\/\* [a-z]+: [a-z_]+\*? \*\//) {
      split(substr($0, RSTART, RLENGTH), mark)
      file = FILENAME
      sub(/.*\//, "", file)
      all = sub(/\*$/, "", mark[3])
      if (mark[3] == name || all && index(name, mark[3]) == 1)
        print words[mark[2]] " " line " (" file ":" FNR ")"
    }' "$sources"/*.c
}

# fails NAME REASON: some seed does, and the report names all marked lines.
fails() {
  name=$1
  told=$(SIM_TELL=failures SIM_SEEDS=500 "$program" "$name" 2>&1)
  says ": $2"
  marked=$(marks)
  holds "$name has its mark" [ -n "$marked" ]
  while read -r mark; do says "$mark"; done <<END
$marked
END
}

# silent NAME...: no seed fails.
silent() {
  for name; do
    told=$(SIM_TELL=failures SIM_SEEDS=$seeds "$program" "$name" 2>&1)
    says "$seeds seeds, none fails"
  done
}

# The ways that it can go, as `SEED:LINE/LINE`.
ways() {
  SIM_SEEDS=$seeds "$program" "$name" | awk '
    sub(/.* %, SEED=/, "") { seed = $0 }
    sub(/^     /, "") { way[seed] = way[seed] (way[seed] ? "/" : "") $0 }
    END { for (seed in way) print seed ":" way[seed] }'
}

# prints NAME WAYS: these are the ways that it can go, and there is no other.
prints() {
  name=$1
  told=$(ways | cut -d : -f 2- | sort | paste -s -d , -)
  is "$2"
}

# replays NAME: its ways are many, and what each seed does alone.
replays() {
  name=$1 told=$(ways)
  holds "$name can go in ten ways" [ "$(echo "$told" | wc -l)" -ge 10 ]
  for way in $told; do
    told=$(SIM_SEED=${way%%:*} "$program" "$name")
    is "${way#*:}"
  done
}

# ends NAME STATUS [NAME=VALUE...]: that is the exit status of one run.
ends() {
  name=$1 status=$2 && shift 2
  told=$(env "$@" "$program" "$name" 2>&1)
  told="exit status $?: $told"
  says "exit status $status:"
}

# run NAME SEED: the output of one run, and what tells it from others.
run() { SIM_SEED=$2 SIM_HASH=1 "$program" "$1" 2>&1; }

# repeats NAME SEED: ten runs with the seed are one and the same.
repeats() {
  name=$1
  told=$(for _ in 1 2 3 4 5 6 7 8 9 10; do run "$1" "$2" | cksum; done | uniq)
  is "$(run "$1" "$2" | cksum)"
}

# differs NAME: of twenty seeds most have a hash of their own.
differs() {
  name=$1
  told=$(for seed in $(seq 20); do run "$1" "$seed"; done |
    sed -n 's/.* hash //p' | sort -u)
  holds "$name has many hashes" [ "$(echo "$told" | wc -l)" -gt 10 ]
}

# ------------------------------------------------------------------- reports

freed='memory is used after it was freed'
beside='memory beside a block is used'
deadlock='deadlock: every thread waits for another one'

fails mutexes_crossed "$deadlock"
fails condition_lost "$deadlock"
fails semaphore_silent "$deadlock"
fails barrier_short "$deadlock"
fails pipe_silent "$deadlock"
fails threads_join "$deadlock"
fails loop_forever 'livelock: no end after 20000 steps'

fails mutex_twice 'a mutex is locked twice by one thread'
fails mutex_of_another 'a thread unlocks a mutex that it does not hold'
fails mutex_destroyed_locked 'a mutex is destroyed while it is in use'
fails mutex_destroyed 'a mutex is locked that was destroyed'
fails mutex_destroyed_try 'a mutex is locked that was destroyed'
fails condition_unlocked \
  'a thread waits for a condition with a mutex that it does not hold'
fails condition_destroyed 'a condition is destroyed that somebody waits for'
fails semaphore_destroyed 'a semaphore is destroyed that somebody waits for'
fails rwlock_not_held \
  'a thread unlocks a read-write lock that it does not hold'
fails rwlock_destroyed 'a read-write lock is destroyed while it is in use'

for use in read write atomic memcpy memset structure input output input_late \
  mutex; do
  fails freed_$use "$freed"
done
fails freed_twice 'memory is freed that was freed before'
fails moved_read "$freed"
for use in end odd_end far empty across; do
  fails beside_$use "$beside"
done
fails before_begin "$beside"
fails aligned_end "$beside"

fails crash_null 'Segmentation fault'
fails crash_abort 'Aborted'

# ---------------------------------------------------------------- no reports

seeds=500
silent mutexes_in_order condition_kept semaphore_posted barrier_meets \
  loop_plain loop_atomic loop_exchange locked_by_mutex locked_by_stream \
  locked_by_once thread_key thread_result pipe_read socket_full poll_ready \
  time_waits
seeds=50
silent mutex_recursive beside_nothing exchange_strong operations poll_late \
  time_hour time_until time_looks

# ------------------------------------------------------------ what may happen

seeds=300
prints update_lost 1,2
prints check_then_act 1,2
prints check_and_act 1
prints condition_woken 'too late,woken for nothing'
prints rwlock_shared '1 together,2 together'
prints buffering_relaxed '0 1,1 0,1 1'
prints message '0 0,1 0,1 1'
prints time_sleepers short/long
prints print_lines_whole one/other,other/one
prints thread_detached early
prints thread_main_leaves last
prints socket_fault all

# clang does not tell a weak exchange from a strong one.
case $(cat "$(dirname "$program")/flags") in
*clang*) prints exchange_weak exchanged ;;
*) prints exchange_weak 'exchanged,failed for nothing' ;;
esac

# In every seed, also where the memory is freed after the call began.
prints freed_input_late "and then: $freed"

# ------------------------------------------------- store buffers and the rest

export SIM_TSO=1
prints buffering_relaxed '0 0,0 1,1 0,1 1'
prints buffering_ordered '0 1,1 0,1 1'
prints buffering_fenced '0 1,1 0,1 1'
prints buffering_added '0 1,1 0,1 1'
prints message '0 0,1 0,1 1'
silent operations locked_by_mutex locked_by_stream locked_by_once
unset SIM_TSO

export SIM_MEMORY=0
prints update_lost 2
unset SIM_MEMORY

export SIM_FAULTS=1
prints socket_fault \
  'Interrupted system call,Resource temporarily unavailable,a part,all'
unset SIM_FAULTS

# ------------------------------------------------------------- seeds, options

repeats print_letters_mixed 7
repeats pipe_read 7
repeats loop_plain 8
differs rwlock_shared
differs print_letters_mixed
replays print_letters_mixed
prints block_addresses "$("$program" block_addresses | paste -s -d / -)"
prints memory_unset '0 1'

ends time_hour 2 SIM_SEED=x
ends time_hour 2 SIM_SEED=7x
ends time_hour 2 SIM_SEED=-1
ends time_hour 2 SIM_SEEDS=many
ends time_hour 0 SIM_SEED=
ends no_such_program 2
ends thread_exits 3
ends mutex_twice 66
ends mutex_twice 1 SIM_SEEDS=5 SIM_TELL=failures

begun=$(date +%s) told=$(run time_hour 1)
holds 'an hour passes at once' [ $(($(date +%s) - begun)) -lt 5 ]

echo "$passed passed, $failed failed"
[ $failed = 0 ]
