# demo.sh: what the demos of server lessons share; to be sourced.
#
# start_server PROGRAM ARGUMENT... starts a server, waits until it listens on
# all its ENDPOINTS (their number is in $endpoints) and writes its output to
# $dir/out. stop_server has it end and prints that. Only the server is traced.
#
# A server that ends before it listens, as with --help, ends the demo likewise.
set -eu
dir=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT

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

stop_server() {
  kill "$server"
  wait "$server"
  server=
  echo "-- the server's output"
  cat "$dir/out"
}
