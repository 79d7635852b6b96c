#!/bin/sh
# The echo server and three clients, one for each kind of endpoint.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

program=$1
endpoints=3
start_server "$@" 127.0.0.1:0 '[::1]:0' "$dir/echo.sock"
listening | while read -r endpoint; do
  echo "-- a client of $endpoint"
  "$program-client" "$endpoint" eat drink 'and be merry!'
done
stop_server
