# One butler, and a wait that is an operation.
about='Nobody was hired, and all is over three seconds earlier: a handler that
initiates does not wait, so one butler serves many kids. This is how one thread
of a server has thousands of clients. The price is the tear: what comes after the
wait is another function.'

as_told() {
  read_again 'Recap' 'A butler is a thread of yours that called `ax_run`. One
butler runs one handler at a time.'
  ! seen 'butler [^1]' ||
    wrong 'somebody else than James has run a handler.' \
      'butler 1 in each line: one thread in ax_run, and the handlers in there'
  read_again 'The idea' 'the handlers of a server do short work, and initiate an
operation for whatever takes long'
  ! seen '\[11 s\]' ||
    wrong 'the second slushie had to wait until the first one was empty: a
      handler still takes three seconds.' '[ 5 s] Susie gets a slushie, butler 1'
  ! in_order 'Johnny has drunk' 'Johnny gets' && ! in_order 'Susie has drunk' \
    'Susie gets' || wrong 'a slushie is empty before it has come.'
  ! seen '\[ 5 s\] .* has drunk' ||
    wrong 'the slushies are empty at once: three seconds pass between the two
      lines of a kid, and nobody stands beside it.' \
      '[ 8 s] Johnny has drunk it, butler 1'
  [ "$(times 'has drunk it')" = 2 ] ||
    wrong 'not each kid has drunk its slushie, once.' \
      '[ 8 s] Johnny has drunk it, butler 1
[ 8 s] Susie has drunk it, butler 1'
  expect_output <<'END'
#{
[ 5 s] Johnny gets a slushie, butler 1
[ 5 s] Susie gets a slushie, butler 1
#}
#{
[ 8 s] Johnny has drunk it, butler 1
[ 8 s] Susie has drunk it, butler 1
#}
[ 8 s] done
END
}

read_again 'Recap' 'A handler that blocks makes everything behind it late'
check_runs as_told
