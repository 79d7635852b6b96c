# A strand for each kid in place of a lock for each kid.
about='With locks it took until second 14, and one butler spent three seconds at a
lock. The strands keep the same things apart, and a cup that has to wait hangs on
its rope, where it costs nothing. The same function runs on both: the token says
on which.'

# apart KID: does it leave before it enters again?
apart() { in_order "$1 enter" "$1 leave" "$1 enter" "$1 leave"; }

as_told() {
  local kid
  read_again 'The idea' 'With a strand, only handlers that share something wait for
each other.'
  for kid in Johnny Susie; do
    [ "$(times "$kid enter")" = 2 ] && [ "$(times "$kid leave")" = 2 ] ||
      wrong "$kid did not get two cups, or did not finish them." \
        "two times '$kid enter', and two times '$kid leave'"
    apart $kid || wrong "$kid drank two cups at once: nothing keeps the two
      handlers apart." "$kid enter
$kid leave
$kid enter
$kid leave"
  done
  ! seen '\[17 s\]' ||
    wrong 'each waited for all others, as if Johnny and Susie were one: it took
      until second 17. They share nothing.' '[ 5 s] Johnny enter
[ 5 s] Susie enter'
  read_again 'Recap' 'A handler that waits on a strand costs nothing. A handler that
waits for a lock costs a butler.'
  ! seen '\[14 s\]' ||
    wrong 'it took until second 14: a butler stood at a lock, while another kid
      had a cup on the table.' '[ 5 s] Johnny enter
[ 5 s] Susie enter'
  expect_output <<'END'
#{
[ 5 s] Johnny enter
[ 5 s] Susie enter
#}
#{
[ 8 s] Johnny leave
[ 8 s] Johnny enter
[ 8 s] Susie leave
[ 8 s] Susie enter
#}
#{
[11 s] Johnny leave
[11 s] Susie leave
#}
[11 s] Johnny had 2 cups
[11 s] Susie had 2 cups
END
}

read_again 'The idea' 'It is safe only if it shares no data with them.'
check_runs as_told
