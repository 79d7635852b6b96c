#!/bin/bash
# The server of lesson 19 with a crowd in many channels that comes and goes
# (load_crowd.c): nothing may be lost, doubled or reordered for those who stay.
# For SECONDS seconds 1 % of CLIENTS people leave and come each second; RATE
# lines are said in each.
set -u
cd "$(dirname "$0")/../.." || exit
B=${B:-build}
clients=${CLIENTS:-10000} channels=${CHANNELS:-1000} rate=${RATE:-5000}

# A descriptor for each client, and some for the program itself.
need=$((clients + 64))
ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$need" ]; then
  echo "$clients people need $need open files, and the hard limit is" \
    "$(ulimit -n): raise that (ulimit -Hn, limits.conf), or try CLIENTS=1000" \
    "CHANNELS=100." >&2
  exit 2
fi

dir=$(mktemp -d) || exit
trap 'kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
"$B/bin/lesson19" --butlers "${BUTLERS:-2}" 127.0.0.1:0 >"$dir/out" &
server=$!
until at=$(sed -n 's/^listening on //p' "$dir/out") && [ -n "$at" ]; do
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.01
done
"$B/bench/load" crowd "$at" --clients "$clients" --channels "$channels" \
  --moves $(((clients + 99) / 100)) --rate "$rate" --seconds "$1" \
  --pid "$server"
status=$?
kill "$server" && wait "$server" || status=1
sed 1d "$dir/out"
exit $status
