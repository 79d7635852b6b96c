#!/bin/sh
# The echo server and three clients, one for each kind of endpoint.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

program=$1
endpoints=3
start_server "$@" 127.0.0.1:0 '[::1]:0' "$dir/echo.sock"
listening >"$dir/endpoints"
while read -r endpoint; do
  echo "-- a client of $endpoint"
  run_client "$program-client" "$endpoint" eat drink 'and be merry!'
done <"$dir/endpoints"
stop_server
