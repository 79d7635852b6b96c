#!/bin/sh
# A client that the server closes, one that gives up, and one whose butler is
# away while the connection and the timer are ready.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

# The server tells on standard error whom it closes, which is part of the show.
exec 2>&1

program=$1
endpoints=1
start_server "$@" --idle 3 127.0.0.1:0
echo '-- connects, talks, and falls silent'
"$program-client" "$(listening)" 2 0 eat drink
echo '-- connects to nobody, with patience for 2 s'
"$program-client" nobody 2 0 || test $? = 1
echo '-- connects, but the butler is away for 1 s'
"$program-client" "$(listening)" 0.5 1
stop_server
