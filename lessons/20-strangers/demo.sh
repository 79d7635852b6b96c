#!/bin/sh
# Strangers, one after the other, and how the server deals with each of them.
# Ten seconds of it are one of yours.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

program=$1
endpoints=1
LESSON_SPEED=10
export LESSON_SPEED
start_server "$@" --log error --per-address 4 --register-seconds 10 \
  --ping-seconds 15 --answer-seconds 15 127.0.0.1:0
run_client "$program-client" "$(listening)" "$server"
await_server
