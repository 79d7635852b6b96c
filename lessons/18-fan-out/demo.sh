#!/bin/sh
# This chat and that of lesson 16 under the same load, and how much of a
# processor each of them takes for it.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

program=$1
shift
before=$(dirname "$program")/lesson16
endpoints=1
packets=${AX_TRACE:+20} # a trace of more would be long
packets=${packets:-1000}

# The seconds of a processor that a process has used.
used() {
  if test -r "/proc/$1/stat"; then
    awk -v ticks="$(getconf CLK_TCK)" '{ print ($14 + $15) / ticks }' \
      "/proc/$1/stat"
  else
    ps -o time= -p "$1" | awk -F: '{ print $1 * 60 + $2 }'
  fi
}

# Leaves what was heard in $heard, and the server's time in $time.
load() {
  run_client "$program-client" "$(listening)" "$packets" >"$dir/heard"
  heard=$(cat "$dir/heard")
  time=$(used "$server")
}

start_server "$program" "$@" 127.0.0.1:0
load
echo "50 people, of whom 4 talk, hear $heard packets"
echo "lesson 18: $time s of a processor"
fast=$time
stop_server

start_server "$before" "$@" 127.0.0.1:0
load
echo "lesson 16: $time s of a processor"
stop_server

awk -v fast="$fast" -v slow="$time" \
  'BEGIN { printf "that is %.1f times as much\n", slow / (fast ? fast : 0.01) }'
