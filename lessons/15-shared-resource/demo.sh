#!/bin/sh
# The three ways to ask Python, one after the other: eight clients ask, and a
# ninth one measures how long an echo takes meanwhile. Then the pictures, drawn
# from the traces of these runs.
#     demo.sh PROGRAM [OPTION...]
. "$(dirname "$0")/../../common/demo.sh"

program=$1
shift
trace=${AX_TRACE-}
endpoints=2
ways='blocking wrapped strand'

for way in $ways; do
  export AX_TRACE="$dir/$way.json"
  start_server "$program" --way $way "$@" 127.0.0.1:0 127.0.0.1:0
  if [ $way = blocking ]; then
    head -n 1 "$dir/out"
    echo
    echo '                          how long an echo takes, in ms'
    echo 'way        answers   echoes    median       99%   longest'
  fi
  run_client "$program-client" $(listening) 1500 >"$dir/row"
  printf '%-9s %s\n' $way "$(cat "$dir/row")"
  stop_server >"$dir/said"
done

for way in $ways; do
  printf '\n%s\n' $way
  awk -f "$(dirname "$0")/timeline.awk" "$dir/$way.json"
done
printf '  %-12s|%19s|%19s|%19s|\n' '' '0.4 s ' '0.8 s ' '1.2 s '

# For make trace15: the traces are of these runs, too.
if [ -n "$trace" ]; then
  for way in blocking wrapped; do
    cp "$dir/$way.json" "${trace%.json}-$way.json"
  done
  cp "$dir/strand.json" "$trace"
fi
