# Three handlers touch the counter, the fourth one does not.
about='Mom waited for her answer, since she reads what Johnny writes; a handler that
only looks belongs on the strand as well. Dad waited for nobody. Which handlers
share data is all that you have to know, and the compiler does not know it.'

as_told() {
  read_again 'The code' 'The timers do not know of it and stay with the
context; only the *handlers* go through the strand'
  seen 'Mom asks' ||
    wrong 'Mom never asked: nobody waits for her timer.' \
      '[11 s] Mom asks: 2 cups so far'
  seen 'begins his slushie' && seen 'begins his tea' ||
    wrong 'Johnny did not get both, a slushie and a tea: nobody waits for the
      timer of the other one.' \
      '[ 5 s] Johnny begins his slushie
[ 8 s] Johnny begins his tea'
  read_again 'Recap' 'Handlers of one strand never overlap and run in the order in
which they became ready, on whichever butler is free.'
  in_order 'begins his slushie' 'has drunk his slushie' 'begins his tea' ||
    in_order 'begins his tea' 'has drunk his tea' 'begins his slushie' ||
    wrong 'Johnny drank both at once. A strand for each, or one of them off the
      strand, keeps nobody apart.' \
      '[ 8 s] Johnny has drunk his slushie
[ 8 s] Johnny begins his tea'
  read_again 'What breaks' 'A strand protects data only if every handler that
touches it is on the strand.'
  ! in_order 'Mom asks' 'Johnny has drunk his tea' ||
    wrong 'Mom looked at the cups while Johnny was drinking: who only reads
      touches the data, too.' '[11 s] Mom asks: 2 cups so far'
  read_again 'The code' 'The timers do not know of it and stay with the
context; only the *handlers* go through the strand'
  seen 'Dad begins' ||
    wrong 'Dad never began: nobody waits for his timer.' \
      '[ 6 s] Dad begins to dig'
  read_again 'The idea' 'The second one stays at the table, free for everybody else.'
  seen '\[ 6 s\] Dad begins' ||
    wrong 'Dad had to wait, and shares nothing with anybody.' \
      '[ 6 s] Dad begins to dig'
  expect_output <<'END'
[ 5 s] Johnny begins his slushie
[ 6 s] Dad begins to dig
#{
[ 8 s] Johnny has drunk his slushie
[ 8 s] Johnny begins his tea
[ 9 s] Dad has dug a hole
[11 s] Johnny has drunk his tea
[11 s] Mom asks: 2 cups so far
#}
[11 s] done
END
}

read_again 'The idea' 'Every token for Johnny has to name his strand, and the
compiler does not check it.'
check_runs as_told
