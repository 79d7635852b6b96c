# A third butler, and a counter that all of them share.
about='Three handlers run at once, each on a butler of its own, and in which order
they come is open. With one more thread, all that they share needs care again:
here one number, for which an atomic type is enough. As soon as two values belong
together it is not, and lesson 5 has the cure.'

as_told() {
  read_again 'The idea' 'A handler that takes long, or blocks, occupies its own
butler only; the next cup goes with the next butler.'
  seen 'cups$' || wrong 'it does not tell how many cups there were.' '[ 8 s] 3 cups'
  ! seen '\[11 s\]|\[14 s\]' ||
    wrong 'it took too long: at some moment all butlers were on their way, and a
      cup had to wait.' 'all three enter in second 5, so three butlers do'
  read_again 'The idea' 'two threads do so without taking turns'
  seen ' 3 cups$' || [ "$(times 'leave$')" != 3 ] ||
    wrong 'all three cups were drunk, and not all of them were counted: two
      butlers counted at once.' '[ 8 s] 3 cups'
  read_again 'The code' 'Both threads run the same function, on the same context'
  ! in_order 'cups$' 'leave$' ||
    wrong 'main counts while a butler is still on his way: it has not waited for
      all of them.' '`cups` after the last `leave`: one pthread_join for each'
  expect_output <<'END'
#{
[ 5 s] timer1 enter
[ 5 s] timer2 enter
[ 5 s] timer3 enter
#}
#{
[ 8 s] timer1 leave
[ 8 s] timer2 leave
[ 8 s] timer3 leave
#}
[ 8 s] 3 cups
END
}

read_again 'Recap' 'Sharing data between them without taking turns is a data race,
even where it seems to work.'
check_runs as_told
