#!/bin/sh
# The echo server with both framings, and a client for each.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

# The server tells on standard error whom it closes, which is part of the show.
exec 2>&1

program=$1
endpoints=1
for framing in nul length; do
  start_server "$@" --framing "$framing" 127.0.0.1:0
  echo "-- framing $framing"
  run_client "$program-client" "$framing" "$(listening)"
  stop_server
done
