#!/bin/bash
# Measures servers side by side and prints a table for each case.
#
#     run_bench.sh [CASE...]      all cases whose names begin so; none: all
#
# The peers of a case take turns, ROUNDS times, each for RUN seconds, and the
# medians are compared: so what the machine does meanwhile strikes all alike. A
# run that other work disturbed is done again. Every run leaves a line in
# build/bench/results.txt, from which the tables are made; lines of key=value,
# so that something else can be made of them, too.
set -u
cd "$(dirname "$0")/../.." || exit
B=${B:-build}
ROUNDS=${ROUNDS:-5}
RUN=${RUN:-1}
DISTURBED=${DISTURBED:-5} # percent of the machine that others may have
TRIES=5                   # to find it less disturbed than that
results=$B/bench/results.txt

# A line: name | endpoint | load | peer=command | ... The last peer is what the
# others are compared with.
cases() {
  local echo="core=$B/bin/lesson10 | epoll=$B/bench/echo_epoll"
  local chat="core=$B/bin/lesson15 | core-2=$B/bin/lesson15 --butlers 2"
  for n in 1 50 1000; do
    echo "echo-tcp-$n | 127.0.0.1:0 | echo --clients $n | $echo"
    echo "echo-unix-$n | $dir/%.sock | echo --clients $n | $echo"
  done
  local load="chat --clients 50 --senders 4 --window 8"
  echo "chat-tcp-50 | 127.0.0.1:0 | $load | $chat | epoll=$B/bench/chat_epoll"
}

dir=$(mktemp -d) || exit
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
ulimit -n "$(ulimit -Hn)"

# start COMMAND...: leaves the server's pid in $server, its endpoint in $at.
start() {
  rm -f "$dir"/*.sock
  "$@" >"$dir/out" 2>"$dir/err" &
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
  server=
}

value() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p"; }

# run_once ENDPOINT LOAD COMMAND: prints what the load generator says. It has
# one processor, a server of one thread another: where the system puts them by
# itself differs from run to run, and with it the cost. A server of more
# threads may use both.
run_once() {
  local command=$3 pinned='taskset -c 0'
  [[ $command == *--butlers* ]] && pinned=
  start $pinned $command "${1//%/$RANDOM}"
  set -- $2
  taskset -c 1 "$B/bench/load" "$1" "$at" "${@:2}" --seconds "$RUN" \
    --pid "$server"
  local status=$?
  stop
  return $status
}

# calm LINE: nothing disturbed that run, and it was not frozen either.
calm() {
  awk -v d="$(value disturbed <<<"$1")" -v rate="$(value rate <<<"$1")" \
    -v max="$DISTURBED" 'BEGIN { exit d > max || rate == 0 }'
}

# measure NAME ENDPOINT LOAD PEER=COMMAND: one line of results.
measure() {
  local line
  for _ in $(seq $TRIES); do
    line=$(run_once "$2" "$3" "${4#*=}") || wrong=1
    calm "$line" && break
  done
  echo "name=$1 peer=${4%%=*} $line" >>"$results"
}

# table NAME: the medians of each peer, and CPU in relation to the last one's.
table() {
  grep "^name=$1 " "$results" | awk -v name="$1" '
    function median(peer, key,   n, i, j, t, v) {
      n = split(seen[peer, key], v, " ")
      for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
          t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
        }
      return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    {
      split($2, p, "=")
      if (!(p[2] in known)) { known[p[2]] = 1; order[++peers] = p[2] }
      for (i = 3; i <= NF; i++) {
        split($i, kv, "=")
        seen[p[2], kv[1]] = seen[p[2], kv[1]] " " kv[2]
      }
    }
    END {
      printf "%-14s %9s %6s %10s %9s %9s\n", name, "CPU us", "ratio",
        "per second", "p50 us", "p99 us"
      limit = median(order[peers], "cpu_us")
      for (i = 1; i <= peers; i++)
        printf "  %-12s %9.3f %6.2f %10.0f %9.1f %9.1f\n", order[i],
          median(order[i], "cpu_us"), median(order[i], "cpu_us") / limit,
          median(order[i], "rate"), median(order[i], "p50_us"),
          median(order[i], "p99_us")
    }'
}

# run_case LINE: all rounds of a case, then its table.
run_case() {
  local part i
  IFS='|' read -ra part <<<"$1"
  for i in "${!part[@]}"; do
    part[i]=$(sed 's/^ *//; s/ *$//' <<<"${part[i]}")
  done
  for _ in $(seq "$ROUNDS"); do
    for i in $(seq 3 $((${#part[@]} - 1))); do
      measure "${part[0]}" "${part[1]}" "${part[2]}" "${part[i]}"
    done
  done
  table "${part[0]}"
}

# wanted NAME CASE...: does one of the cases ask for it?
wanted() {
  local name=$1 case
  shift
  [ $# = 0 ] && return
  for case; do [[ $name == "$case"* ]] && return; done
  return 1
}

wrong=0
mkdir -p "$B/bench" && : >"$results"
while read -r line; do
  wanted "${line%% *}" "$@" && run_case "$line"
done < <(cases)
[ $wrong = 0 ] || echo 'Something went wrong: see above.' >&2
exit $wrong
