#!/bin/bash
# Interrupts demos in every shell that is here, in each way: by SIGINT, SIGTERM
# and SIGHUP, sent to the shell alone or, as a terminal does, to all it started.
# Nothing may be left behind. Prints the checks that fail.

cd "$(dirname "$0")/.." || exit
home=$(mktemp -d) && trap 'rm -rf "$home"' EXIT || exit
set -m # each demo gets a process group

# The server notes that it is there, and where; the client that all is running.
cat >"$home/server" <<'EOS'
#!/bin/sh
echo 'listening on here'
exec sleep 60
EOS
cat >"$home/client" <<'EOS'
#!/bin/sh
: >"$TMPDIR.runs"
exec sleep 60
EOS
cat >"$home/demo.sh" <<'EOS'
. common/demo.sh
endpoints=1
start_server "$1/server"
$2 "$1/client"
stop_server
EOS
chmod +x "$home/server" "$home/client"

shells=
for shell in dash bash ksh93 mksh zsh busybox yash; do
  ! command -v $shell >/dev/null || shells+=" $shell"
done

# in_sh SHELL FILE ARGUMENT...: runs a file as /bin/sh would if it were SHELL.
in_sh() {
  case $1 in
  busybox) exec busybox sh "${@:2}" ;;
  zsh) exec zsh --emulate sh "${@:2}" ;;
  bash) exec bash --posix "${@:2}" ;;
  *) exec "$@" ;;
  esac
}

fails() { echo "does not hold: $1" && : >"$home/wrong"; }

# until_true COMMAND...: asks every hundredth of a second, for ten seconds.
until_true() {
  for ((i = 0; i < 1000; i++)); do
    "$@" && return
    sleep 0.01
  done
  return 1
}
nobody_in() { ! kill -0 -- -"$1" 2>/dev/null; }

# start SHELL SIGNAL STATUS alone|all: a demo that is to be sent the signal. With
# "alone" the client is in the background: the shell would wait for it otherwise.
start() {
  local run=run_client
  [ "$4" = alone ] || run=
  export TMPDIR=$home/$1-$2-$4 && mkdir "$TMPDIR"
  in_sh "$1" "$home/demo.sh" "$home" "$run" >"$TMPDIR.said" 2>&1 &
  demos+=("$1 $2 $3 $4 $TMPDIR $!")
}

interrupt() {
  local target=-
  [ "$4" = all ] || target=
  until_true test -e "$5.runs" || fails "$1, SIG$2, $4: it runs"
  kill -s "$2" -- "$target$6"
}

has_ended() {
  local what="$1, SIG$2, $4" status
  wait "$6"
  status=$?
  [ $status = "$3" ] || fails "$what: ends with $3, not with $status"
  nobody_in "$6" || fails "$what: no process is left"
  [ -z "$(ls -A "$5")" ] || fails "$what: no directory is left"
  # A shell may say which signal ended the client, but not more.
  ! grep -v '\(Hangup\|Terminated\) *$' "$5.said" || fails "$what: is quiet"
}

# What is ignored from the start, as nohup does it, no shell can trap.
signals=
for signal in HUP=129 INT=130 TERM=143; do
  if [ -n "$(trap -p "${signal%=*}")" ]; then
    echo "Skipped: SIG${signal%=*}, which is ignored here."
  else
    signals+=" $signal"
  fi
done

demos=()
for shell in $shells; do
  for to in alone all; do
    for signal in $signals; do
      start $shell ${signal%=*} ${signal#*=} $to
    done
  done
done
{ # without what this shell says of its jobs
  for demo in "${demos[@]}"; do interrupt $demo; done
  for demo in "${demos[@]}"; do has_ended $demo; done
} 2>/dev/null
[ ! -e "$home/wrong" ] && echo "interrupted demos leave nothing behind:$shells"
