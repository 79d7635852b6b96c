#!/bin/sh
# Three people and a bot, as one of them sees it.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

program=$1
endpoints=1
start_server "$@" 127.0.0.1:0
run_client "$program-client" "$(listening)"
stop_server
