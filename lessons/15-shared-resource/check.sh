# Two tents: nobody meets inside, both work side by side, no echo is late.
about='One strand for each thing of which there is one, and a butler who may wait. With one strand for both tents nobody would meet, either, but the last picture would come in second 21.'

as_told() {
  read_again 'The idea' 'On the rope a call runs to its end before the next one begins, so no call sees half of what another one changes.'
  ! seen 'two at once' ||
    wrong 'two guests met inside a tent. It takes a strand to keep them apart, for aside has two butlers.' 'nobody is let in while somebody is inside'
  read_again 'Recap' 'A handler that waits takes its butler out of service, whatever it waits for.'
  ! seen 'late: [1-9]' ||
    wrong 'echoes were late: the butler of the beach was away, in a tent.' '[{*}] echoes: 12, late: 0'
  read_again 'The idea' 'This is the double dispatch, there and back again, and since lesson 14 it is one call, `ax_run_on`.'
  for guest in Ann Bob Cid; do
    [ "$(times "$guest has a picture")" = 1 ] || wrong "$guest has no picture, or more than one."
  done
  read_again 'Recap' 'A resource of which there is one gets a strand, with a butler who may wait.'
  seen '\[21 s\] Cid has' &&
    wrong 'one tent is empty while the other one works: two resources on one strand wait for each other.' '[15 s] Cid has a picture'
  expect_output <<'END'
[ 3 s] Ann knows the future
[ 6 s] Bob knows the future
[ 7 s] Ann has a picture
[ 9 s] Cid knows the future
[11 s] Bob has a picture
[15 s] Cid has a picture
[15 s] echoes: 12, late: 0
END
}

check_runs as_told
