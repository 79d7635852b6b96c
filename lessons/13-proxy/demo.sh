#!/bin/sh
# The proxy, and a client that plays both of its sides and stops it.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

# The proxy tells on standard error whom it closes, which is part of the show.
exec 2>&1

program=$1
endpoints=1
start_server "$@" --to "$dir/shack" 127.0.0.1:0
"$program-client" "$(listening)" "$dir/shack" "$server"
echo "-- the proxy's output"
end_as_server
