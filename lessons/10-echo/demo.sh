#!/bin/sh
# The echo server and three clients, one for each kind of endpoint.
#     demo.sh PATH_OF_THE_SERVER
set -eu
dir=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT

"$1" 127.0.0.1:0 '[::1]:0' "$dir/echo.sock" >"$dir/out" &
server=$!
for _ in $(seq 100); do
  test "$(grep -c listening "$dir/out")" = 3 && break
  kill -0 "$server"
  sleep 0.1
done
sed -n 's/^listening on //p' "$dir/out" | while read -r endpoint; do
  echo "-- a client of $endpoint"
  "$1-client" "$endpoint" eat drink 'and be merry!'
done
kill "$server"
wait "$server"
server=
echo "-- the server's output"
cat "$dir/out"
