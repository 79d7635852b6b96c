# check_talk.sh: programs that a check talks to while they run: servers, and what
# waits for signals. Read by check.sh, where the functions are told.

start() {
  quickly "$@" && shift
  exec 7<>"$tmp/input"
  (limited "$LIMIT" $FIXED "$program" "$@" <"$tmp/input" 7>&- >"$out" 2>"$err") &
  pid=$!
}

say_to() { printf '%s\n' "$1" >&7; }
end_input() { exec 7>&-; }

# ended WHAT [EXPECTED]: it has ended, and well; or else is wrong, and if it hung
# that is WHAT.
ended() {
  wait "$pid" 2>/dev/null
  status=$?
  pid=
  ! hangs || wrong "$@"
  judge
}

await() {
  local pattern=$1 && shift
  while [ "$(times "$pattern")" -lt "${often:-1}" ]; do
    kill -0 "$pid" 2>/dev/null || {
      ended "$@"
      [ "$(times "$pattern")" -ge "${often:-1}" ] || wrong "$@"
      return
    }
    sleep 0.02
  done
}

signal() { kill -"$1" "$pid"; }

finish() {
  [ -n "$pid" ] || return 0
  if [ $# -gt 0 ]; then
    ended "$@"
  else
    wait "$pid" 2>/dev/null
    status=$?
    pid=
    judge
  fi
}

# A learner's own run is not in the folder of the check, and its port is known.
by_hand() { sed "s|$tmp/|/tmp/|g; s|127.0.0.1:0|127.0.0.1:8888|g" <<<"$1"; }

serve() {
  endpoint=
  start "$@"
  await '^listening on ' 'it does not say where it listens'
  endpoint=$(sed -n 's/^listening on //p;/^listening/q' "$out")
  case $endpoint in
  */*) beside="nc -U $(by_hand "${endpoint#unix:}")" ;;
  *) beside='nc 127.0.0.1 8888' ;;
  esac
}

# built PROGRAM: builds build/bin/PROGRAM of the course, and prints its path.
built() {
  MAKEFLAGS= $MAKE -s "$ROOT/bin/$1" SEED= CC="$CC" SCHEDULER="$SCHEDULER" >&2 &&
    echo "$ROOT/bin/$1"
}

client() {
  local checker
  checker=$(built "check$key") || exit
  (limited "$LIMIT" "$checker" "$@" >"$tmp/client.out" 2>"$tmp/client.err") &&
    return
  wrong "$(cat "$tmp/client.err")"
}

# Is one side of it `free` alone, which the report leaves out as ours, memory was
# freed too early, and that is no race.
is_race() {
  grep -q 'data race' "$1" &&
    awk '/[Rr]ead of size|[Ww]rite of size/ { side = 1; next }
      side { side = 0; if (!/#0 /) freed = 1 }
      END { exit freed }' "$1"
}

# Whatever a scene saw may come of a data race, even a use after a free.
blame_race() {
  local scene
  scene=$(sed -n "s/^See it again: .*SCENE='\(.*\)'$/\1/p" "$tmp/report")
  if [ -n "$scene" ] && ! grep -q LeakSanitizer "$tmp/report"; then
    quickly thread
    $FIXED "$checker" "$program" "$scene" >"$tmp/race"
    ! is_race "$tmp/race" || { cat "$tmp/race" && exit 1; }
  fi
  cat "$tmp/report"
  exit 1
}

# It says by itself what is wrong.
play_scenes() {
  local checker
  checker=$(built "check$key") || exit
  quickly address
  echo 'With AddressSanitizer:'
  $FIXED "$checker" "$program" ${SCENE:+"$SCENE"} >"$tmp/report" || blame_race
  cat "$tmp/report"
  quickly thread
  echo 'With ThreadSanitizer:'
  $FIXED "$checker" "$program" ${SCENE:+"$SCENE"} || exit
  [ -z "${SCENE:-}" ] || { echo "All scenes: make check$key" && exit; }
}
