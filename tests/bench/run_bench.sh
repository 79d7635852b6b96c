#!/bin/bash
# Measures the core beside its peers and prints a table for each case.
#
#     run_bench.sh [CASE...]      echo-tcp-50, or all that begin so: echo-tcp,
#                                 echo, micro-timer; none: all there are
#
# The peers of a case take turns, and the medians are compared: so what the
# machine does meanwhile strikes all alike. A run that other work disturbed is
# done again, as long as there is time. Every run leaves a line of key=value in
# build/bench/results.txt; report.awk makes of them the tables, results.json,
# and what is said of the goals. The exit status is 1 when a message was lost,
# doubled, reordered or corrupted, or a server failed; a goal that was missed
# is told and changes nothing.
set -u
cd "$(dirname "$0")/../.." || exit
B=${B:-build}
ROUNDS=${BENCH_ROUNDS:-5}   # turns of each peer
RUN=${BENCH_SECONDS:-0.7}   # that a turn of a server lasts
IDLE=${BENCH_IDLE:-10000}   # connections that say nothing
DISTURBED=5                 # percent of the machine that others may have
TRIES=4                     # to find it less disturbed than that
BUDGET=450                  # seconds for all that is asked for: a run is done
                            # again only where that much would not be passed
OUT=${BENCH_OUT:-$B/bench}  # where the results go
P=build/plain               # where the plain scheduler's programs are
results=$OUT/results.txt

# A line: name | kind | load | peer=command | ...; a kind is program, build,
# or where a server listens. The file $BENCH_CASES may bring others.
cases() {
  [ -z "${BENCH_CASES:-}" ] || { cat "$BENCH_CASES" && return; }
  local c=$B/bench/micro p=$P/bench/micro a=$B/bench/micro_asio one
  local uv="uv=$B/bench/micro_uv"
  for one in post1 wave1 ping1 outside1 strand1; do
    echo "micro-$one | program | | core=$c $one | plain=$p $one" \
      "| asio=$a $one | asio-default=$a $one default" \
      "$([ $one = outside1 ] && echo "| $uv $one")"
  done
  echo "micro-ping1-live | program | | core=env LIVE=1 $c ping1" \
    "| plain=env LIVE=1 $p ping1 | asio=env LIVE=1 $a ping1"
  for one in post2 ping2 strand2 ping8x2; do
    echo "micro-$one | program | | core=$c $one | plain=$p $one | asio=$a $one"
  done
  echo "micro-ping8x2-live | program | | core=env LIVE=1 $c ping8x2" \
    "| plain=env LIVE=1 $p ping8x2 | asio=env LIVE=1 $a ping8x2"
  one=strandchain2
  echo "micro-$one | program | | core=$c $one | plain=$p $one | asio=$a $one"
  for one in timer_cancel timer_fire; do
    echo "micro-$one | program | | core=$c $one | plain=$p $one" \
      "| asio=$a $one | $uv $one"
  done

  c=$B/bin/lesson10 p=$P/bin/lesson10 a=$B/bench/echo_asio
  local rest="uv=$B/bench/echo_uv | epoll=$B/bench/echo_epoll" n at
  for at in tcp unix; do
    for n in 1 50 1000; do
      one=
      [ $n = 50 ] && one="core-2=$c --butlers 2 | plain-2=$p --butlers 2 \
        | asio-2=$a --threads 2 |"
      echo "echo-$at-$n | $at | echo --clients $n | core=$c | plain=$p" \
        "| asio=$a |" \
        "$one $rest"
    done
  done

  c=$B/bin/lesson18 p=$P/bin/lesson18 a=$B/bench/chat_asio
  rest="uv=$B/bench/chat_uv | epoll=$B/bench/chat_epoll"
  one="core=$c | plain=$p | asio=$a | asio-gather=$a --gather"
  local chunks="--gather --chunks"
  echo "chat-50 | tcp | chat --clients 50 --senders 4 --window 8 | $one" \
    "| asio-chunks=$a $chunks | core-2=$c --butlers 2" \
    "| plain-2=$p --butlers 2" \
    "| asio-gather-2=$a --gather --threads 2" \
    "| asio-chunks-2=$a $chunks --threads 2 | $rest"
  echo "chat-500 | tcp | chat --clients 500 --senders 4 --window 8 | $one" \
    "| asio-chunks=$a $chunks | $rest"
  echo "chat-one | tcp | chat --clients 50 --senders 1 --window 1 | $one" \
    "| $rest"
  echo "chat-open | tcp | chat --clients 50 --senders 4 --window 4000" \
    "--rate 1000 | $one | $rest"

  c=$B/bin/lesson19
  one="core=$c | ngircd=tests/bench/ngircd.sh ${NGIRCD:-ngircd}"
  one="$one | core-2=$c --butlers 2"
  for n in 50 500; do
    echo "irc-$n | tcp | irc --clients $n --senders 4 --window 8 | $one"
  done
  # Of 10,000, ngircd lets in fewer the more it has: that takes ten minutes.
  echo "irc-idle | tcp | irc-idle --clients $((IDLE < 2000 ? IDLE : 2000)) | $one"

  c=$B/bin/lesson18
  echo "idle-echo | tcp | idle --clients $IDLE | core=$B/bin/lesson10" \
    "| asio=$B/bench/echo_asio | uv=$B/bench/echo_uv" \
    "| epoll=$B/bench/echo_epoll"
  echo "idle-chat | tcp | idle --clients $IDLE | core=$c | asio=$a | $rest"
  echo "build-lesson1 | build | | core=lesson1"
  echo "build-all | build | | core=programs"
}

# ---------------------------------------------------------------- the machine

# The load generator has one processor, a server of one thread another: where
# the system puts them by itself differs from run to run, and with it the cost.
# What has more threads may use all.
processors() {
  taskset -cp $$ | sed 's/.*: //; s/,/\n/g' | sed 's/-/ /' |
    while read -r from to; do seq "$from" "${to:-$from}"; done
}

about() {
  local boost commit cpu ngircd
  boost=$(printf '#include <boost/version.hpp>\nBOOST_LIB_VERSION' |
    ${CXX:-g++} -x c++ -E -P - 2>/dev/null | tail -n 1 | tr -d '"' | tr _ .)
  ngircd=$("${NGIRCD:-ngircd}" --version 2>/dev/null |
    sed -n '1s/^ngIRCd \([0-9][0-9.]*[0-9]\).*/\1/p')
  commit=$(git rev-parse --short HEAD 2>/dev/null)
  cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
  echo "about complete=$complete date=$(date +%Y-%m-%d)" \
    "commit=${commit:-unknown} processors=$(nproc) model=${cpu// /_}" \
    "kernel=$(uname -sr | tr ' ' _) libuv=$(pkg-config --modversion libuv)" \
    "boost=${boost:-none} ngircd=${ngircd:-none} rounds=$ROUNDS run=$RUN"
}

# ------------------------------------------------------------------- one run

# start COMMAND...: leaves the server's pid in $server, its endpoint in $at.
start() {
  rm -f "$dir"/*.sock
  : >"$dir/out" # it held the last one's endpoint
  "$@" >"$dir/out" 2>"$dir/err" 9>&- &
  server=$!
  for _ in $(seq 500); do
    at=$(sed -n 's/^listening on //p' "$dir/out")
    [ -n "$at" ] && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.01
  done
  echo "$* does not listen: $(cat "$dir/err")" >&2
  exit 1
}

stop() {
  kill "$server"
  wait "$server" || { echo "the server ended with status $?" >&2 && exit 1; }
}

value() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p"; }

# pinned COMMAND: how to keep what has one thread on a processor.
pinned() {
  case $1 in
  *[a-z]2 | *outside1* | *--butlers* | *--threads*) ;;
  *) echo "taskset -c $near" ;;
  esac
}

# run_once KIND LOAD COMMAND: prints what the load generator says.
run_once() {
  local endpoint=127.0.0.1:0 status
  case $1 in
  program)
    "$B/bench/load" program $(pinned "$3") $3
    return
    ;;
  build)
    run_build "$3"
    return
    ;;
  unix) endpoint=$dir/$RANDOM.sock ;;
  esac
  start $(pinned "$3") $3 "$endpoint"
  set -- $2
  taskset -c "$far" "$B/bench/load" "$1" "$at" "${@:2}" --seconds "$RUN" \
    --pid "$server"
  status=$?
  stop
  return $status
}

# run_build VERB: in a copy of what belongs to the project; seconds until the
# first line comes, or all is made.
run_build() {
  local copy=$dir/copy begin line end
  rm -rf "$copy" && mkdir "$copy"
  ls -A | grep -vxE 'build|work|\.git' | tar cf - -T - | tar xf - -C "$copy"
  begin=$EPOCHREALTIME
  {
    read -r line
    end=$EPOCHREALTIME
    cat >/dev/null
  } < <(cd "$copy" && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u B \
    LESSON_SPEED=100 make "$1" 2>&1; echo "status $?")
  [[ $line == *'calling ax_run' || $line == 'status 0' ]] || {
    echo "make $1: $line" >&2
    return 1
  }
  echo "case=build rate=1 disturbed=0 seconds=$(awk -v b="$begin" -v e="$end" \
    'BEGIN { printf "%.2f", e - b }') wrong=0"
}

# ------------------------------------------------------------------- a case

# calm LINE: nothing disturbed that run, and it was not frozen either.
calm() {
  [[ $1 == case=idle* ]] || awk -v d="$(value disturbed <<<"$1")" \
    -v rate="$(value rate <<<"$1")" -v max="$DISTURBED" \
    'BEGIN { exit d + 0 > max || rate + 0 == 0 }'
}

# measure NAME KIND LOAD PEER=COMMAND: one line of results, that of the least
# disturbed try.
measure() {
  local line best= least=1000 d
  for _ in $(seq $TRIES); do
    line=$(run_once "$2" "$3" "${4#*=}") || wrong=1
    d=$(value disturbed <<<"$line")
    if [ -n "$line" ] && awk -v d="${d:-0}" -v l="$least" \
      'BEGIN { exit d >= l }'; then
      best=$line least=${d:-0}
    fi
    calm "$line" || [ -z "$line" ] && break
    [ $((SECONDS * turns)) -lt $((BUDGET * turn)) ] || break
    again=$((again + 1))
  done
  [ -z "$best" ] || echo "name=$1 peer=${4%%=*} $best" >>"$results"
}

# Where we are, for whoever waits; one line that is written over and over.
progress() {
  [ -t 2 ] && printf '\r\033[K%s' "$*" >&2
}

# rounds NAME KIND LOAD: memory and builds hardly differ.
rounds() {
  case $1 in
  idle-* | *-idle | build-lesson1) echo $((ROUNDS < 2 ? ROUNDS : 2)) ;;
  build-*) echo 1 ;;
  *) echo "$ROUNDS" ;;
  esac
}

# turns_of LINE: how many runs a case has, if none is done again.
turns_of() {
  local part
  IFS='|' read -ra part <<<"$1"
  echo $(($(rounds "${part[0]}") * (${#part[@]} - 3)))
}

# The program that a peer needs; a build needs none.
program_of() {
  local word
  for word in $1; do
    [[ $word == env || $word == *=* || $word == *.sh ]] || break
  done
  type -P "$word"
}

# run_case LINE: all rounds of a case, then its table.
run_case() {
  local part i round name
  IFS='|' read -ra part <<<"$1"
  for i in "${!part[@]}"; do
    part[i]=$(sed 's/^ *//; s/ *$//' <<<"${part[i]}")
  done
  name=${part[0]}
  [ -t 2 ] || echo "[$number/$count, ${SECONDS} s] $name" >&2
  for round in $(seq "$(rounds "$name")"); do
    for i in $(seq 3 $((${#part[@]} - 1))); do
      turn=$((turn + 1))
      [[ ${part[1]} == build || -n $(program_of "${part[i]#*=}") ]] || continue
      progress "[$number/$count, $SECONDS s] $name, round $round:" \
        "${part[i]%%=*}"
      measure "$name" "${part[1]}" "${part[2]}" "${part[i]}"
    done
  done
  progress
  report -v only="$name" | tee -a "$OUT/table.txt"
}

report() { awk "$@" -f tests/bench/report.awk tests/bench/goals.txt "$results"; }

# wanted NAME CASE...: does one of the cases ask for it?
wanted() {
  local name=$1 case
  shift
  [ $# = 0 ] && return
  for case; do [[ $name == "$case" || $name == "$case"[-_]* ]] && return; done
  return 1
}

# ------------------------------------------------------------------- all of it

list=()
while read -r line; do
  wanted "${line%% *}" "$@" && list+=("$line")
done < <(cases)
count=${#list[@]}
[ "$count" -gt 0 ] || {
  echo "No such case: $*. There are $(cases | sed 's/ .*//' | paste -sd' ')" >&2
  exit 2
}

# Two at a time would measure each other.
exec 9>"${TMPDIR:-/tmp}/bench-$UID.lock"
flock -n 9 || {
  echo 'Another bench is running here; waiting for its end.' >&2
  flock 9
  SECONDS=0
}
dir=$(mktemp -d) || exit
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt $((IDLE + 100)) ]
then
  IDLE=$(($(ulimit -n) - 100))
  echo "The limit of open files allows for $IDLE idle connections only." >&2
  mapfile -t list < <(printf '%s\n' "${list[@]}" |
    sed "s/idle --clients [0-9]*/idle --clients $IDLE/")
fi
mapfile -t cpus < <(processors)
near=${cpus[0]} far=${cpus[1]:-${cpus[0]}}
[ ${#cpus[@]} -gt 1 ] ||
  echo 'One processor for server and load: they disturb each other.' >&2

complete=0
[ $# = 0 ] && [ -x "$B/bench/echo_asio" ] && type -P "${NGIRCD:-ngircd}" \
  >/dev/null && complete=1
wrong=0 number=0 again=0 turn=0 turns=0
for line in "${list[@]}"; do
  turns=$((turns + $(turns_of "$line")))
done
mkdir -p "$OUT" && about >"$results" && : >"$OUT/table.txt"
report -v only=about | tee -a "$OUT/table.txt"
for line in "${list[@]}"; do
  number=$((number + 1))
  run_case "$line"
done
report -v only=summary | tee -a "$OUT/table.txt"
report -v as=json >"$OUT/results.json"
echo "$SECONDS s; $again runs were disturbed and done again." >&2
[ $wrong = 0 ] || echo 'Something went wrong: see above.' >&2
exit $wrong
