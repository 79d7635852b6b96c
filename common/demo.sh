# demo.sh: what the demos of server lessons share; to be sourced.
#
# start_server PROGRAM ARGUMENT... starts a server, waits until it listens on
# all its ENDPOINTS (their number is in $endpoints) and writes its output to
# $dir/out. stop_server has it end and prints that. Only the server is traced.
#
# run_client PROGRAM ARGUMENT... runs a client until it ends. A signal to the
# demo ends it, too, whereas a client that is run without waits its turn.
#
# A server that ends before it listens, as with --help, ends the demo likewise.
set -eu
dir=$(mktemp -d)
server=
client=

# Ends a process that the demo started. The sleep is a command of the shell's
# own waiting, in which it notices that the process has ended.
end_process() {
  test -n "$1" || return 0
  kill "$1" 2>/dev/null || return 0
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    sleep 0.05
    kill -0 "$1" 2>/dev/null || return 0
  done
  kill -KILL "$1" 2>/dev/null || :
}

clean_up() {
  trap '' INT TERM HUP PIPE
  end_process "$client"
  end_process "$server"
  rm -rf "$dir"
}

# Not every shell runs the trap of EXIT when a signal ends it.
end_by() {
  trap - EXIT
  clean_up
  exit "$1"
}

trap clean_up EXIT
trap 'end_by 129' HUP
trap 'end_by 130' INT
trap 'end_by 141' PIPE
trap 'end_by 143' TERM

# Shows what the server said, and ends with its status.
end_as_server() {
  status=0
  wait "$server" || status=$?
  server=
  cat "$dir/out"
  exit $status
}

start_server() {
  : >"$dir/out"
  "$@" >"$dir/out" &
  server=$!
  unset AX_TRACE
  for _ in $(seq 100); do
    test "$(grep -c listening "$dir/out")" = "$endpoints" && return
    kill -0 "$server" 2>/dev/null || end_as_server
    sleep 0.1
  done
  echo 'the server does not listen' >&2
  return 1
}

listening() { sed -n 's/^listening on //p' "$dir/out"; }

# In the background, because a shell runs no trap before a command in front of
# it has ended.
run_client() {
  "$@" &
  client=$!
  status=0
  wait "$client" || status=$?
  client=
  return $status
}

stop_server() {
  kill "$server"
  await_server
}

# For a server that was told to end already.
await_server() {
  wait "$server"
  server=
  echo "-- the server's output"
  cat "$dir/out"
}
