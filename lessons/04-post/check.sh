# Post from a handler, and end cleanly.
about='James had nothing to do in second 0 and stayed; he had nothing more to do in
second 6, and left. Nobody told him the moment: `ax_work_end` only takes one piece
of work away, and `ax_run` returns when none is left, posted cups included.'

as_told() {
  read_again 'The idea' '`ax_work_begin(context)` counts as work until
`ax_work_end(context)`, and a butler stays as long as there is work, even with
nothing to do.'
  seen 'is served' ||
    wrong 'nothing was served: James came, found no work, and left.' \
      '[ 1 s] the lemonade is served'
  read_again 'Recap' '`ax_dispatch` runs the handler at once when the caller is
already there, and posts it otherwise.'
  ! in_order 'cup of the lemonade is clean' 'enjoy the lemonade' ||
    wrong 'the cup was washed inside of the handler that serves it.' \
      '[ 1 s] the lemonade is served
[ 1 s] enjoy the lemonade
[ 3 s] the cup of the lemonade is clean'
  read_again 'Recap' '`ax_post` makes a handler ready without an operation that
takes time. It may be called from any thread.'
  seen 'cup of the lemonade is clean' ||
    wrong 'the cup of the lemonade was not washed.' \
      '[ 3 s] the cup of the lemonade is clean'
  read_again 'The idea' 'A butler leaves when no work is left, and a bottle that
will be posted later is no work yet.'
  seen 'cup of the tea is clean' ||
    wrong 'James left while something was still on the table.' \
      '[ 5 s] the cup of the tea is clean
[ 5 s] James has left'
  expect_output <<'END'
[ 1 s] the lemonade is served
[ 1 s] enjoy the lemonade
[ 2 s] no more orders
[ 3 s] the cup of the lemonade is clean
[ 3 s] the tea is served
[ 3 s] enjoy the tea
[ 5 s] the cup of the tea is clean
[ 5 s] James has left
END
}

read_again 'The idea' 'One end belongs to each begin. Forget the end, and he stays
for ever.'
check_runs as_told
