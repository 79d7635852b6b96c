#!/bin/sh
# The chat server, and people who talk, one of whom does not listen.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

# The server tells on standard error whom it closes, which is part of the show.
exec 2>&1

program=$1
endpoints=1
start_server "$@" 127.0.0.1:0
run_client "$program-client" "$(listening)"
stop_server
