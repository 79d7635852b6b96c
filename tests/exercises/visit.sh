# visit.sh: what a check.sh of a server has beside common/check.sh; it is for
# guests of visit.h, and to be sourced.
#
#   scene NAME [WORD...]      a scene of check.c, with the server that runs
#                             A check defines `meant NAME SEEN EXPECTED` if it
#                             can tell more: read_again, and $because
#   soon PATTERN WHAT [N]     N lines (1) of $out match within 3 s, or wrong WHAT
#   logged TEXT WHAT          the same for a text on standard error
#   not_logged TEXT WHAT      it is not there
#   server_pid                of the server itself, for a scene that halts it
#   end_server                SIGTERM, and it has to end well

meant() { :; }

checker=$(built "check$key") || exit

# A server plays several scenes; each of them has limits of its own.
LIMIT=40

running() { kill -0 "$pid" 2>/dev/null; }

# A server that has ended by itself is the better reason for whatever is wrong.
# A sanitizer takes a while for its report.
reason() {
  local i
  sleep 0.05
  for i in 1 2 3 4 5 6 7 8 9 10; do
    running || break
    grep -Eq 'ERROR: |WARNING: Thread|runtime error:' "$err" || return 0
    sleep 0.2
  done
  running || { finish && wrong 'the server has ended by itself.'; }
}

# What earlier guests have left in the output is not shown.
begin_scene() {
  local before=-1 i
  for i in 1 2 3 4 5 6 7 8; do
    old_out=$(wc -l <"$out") old_err=$(wc -l <"$err")
    [ $before != $((old_out + old_err)) ] || return 0
    before=$((old_out + old_err))
    sleep 0.05
  done
}

scene() {
  local name=$1 said=$tmp/scene because= && shift
  begin_scene
  "$checker" "$name" "$endpoint" "$@" 2>"$said" && return
  reason
  echo 'What happened:'
  grep -v '^expected: \|^seen: ' "$said" | indent
  echo
  local seen expected
  seen=$(sed -n 's/^seen: //p' "$said")
  expected=$(sed -n 's/^expected: //p' "$said")
  meant "$name" "$seen" "$expected"
  wrong "$seen.${because:+ $because}" "$expected"
}

soon() {
  local i
  for i in $(seq 150); do
    [ "$(times "$1")" -lt "${3:-1}" ] || return 0
    running || break
    sleep 0.02
  done
  reason
  wrong "$2"
}

logged() {
  local i
  for i in $(seq 150); do
    ! grep -Fq -e "$1" "$err" || return 0
    running || break
    sleep 0.02
  done
  reason
  wrong "$2"
}

not_logged() { ! grep -Fq -e "$1" "$err" || wrong "$2"; }

# The program runs under one that watches the time.
server_pid() { pgrep -P "$pid" 2>/dev/null || echo "$pid"; }

end_server() {
  running || reason
  signal TERM
  finish
}
