# Two timers, one ax_run.
about='One butler waits for both at once, so all takes as long as the slowest,
and not 8 s. The tea comes first because it is ready first; the order of the
orders does not matter.'

as_told() {
  read_again 'Recap' 'Initiating returns at once. The handler runs later, once,
and never inside the call that initiated it.'
  [ "$(times 'the tea is ready')" -lt 2 ] ||
    wrong 'the tea came more than once.' 'one line, `the tea is ready`, in second 3'
  in_order 'calling ax_run' 'the tea is ready' || ! seen 'the tea is ready' ||
    wrong 'the tea came before ax_run was called.' \
      'all handlers run inside the one ax_run'

  read_again 'What breaks' 'A timer that nobody waits for is no work, and
without work `ax_run` returns at once.'
  seen 'the tea is ready' ||
    wrong 'the tea never came.' '[ 3 s] the tea is ready'
  in_order 'the tea is ready' 'done' ||
    wrong 'the tea came after `done`.' '[ 3 s] the tea is ready'

  read_again 'The idea' 'one thread can have thousands of operations pending'
  seen '\[ 5 s\] the slushie is ready' ||
    wrong 'the slushie came in another second. A timer knows one moment: a new
      one ends the waits for the old one.' '[ 5 s] the slushie is ready'
  seen '^\[ 3 s\] the tea is ready' ||
    wrong 'the tea came in another second.' '[ 3 s] the tea is ready'
  expect_output <<'END'
[ 0 s] calling ax_run
[ 3 s] the tea is ready
[ 5 s] the slushie is ready
[ 5 s] done
END
}

read_again 'The code' 'At the end `main` frees the context with `ax_context_free`, and calls `ax_unref` on everything else that a `..._new` made.'
check_runs as_told
