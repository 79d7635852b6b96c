# A cup for each kid that stays until the handler runs.
about='The cup had to be there once for each operation and until its handler runs:
in what the kid owns, or allocated for the order and freed by the handler. A
server does the first: each session has its own cup (lesson 10).'

as_told() {
  read_again 'The idea' 'The family owns it all the time, also while the blender
fills it.'
  ! seen 'Ann has iced tea|Ben has lemonade|Ann has .* Ben|Ben has .* Ann' ||
    wrong 'both kids drink from the same cup: a second read filled it before the
      first one was done.' '[ 6 s] Ann has lemonade for Ann
[ 6 s] Ben has iced tea for Ben'
  read_again 'Recap' 'The family owns the memory, and leaves it alone until the
handler runs.'
  [ "$(times ' has ')" = 2 ] ||
    wrong 'not each kid has got its cup, once.' '[ 6 s] Ann has lemonade for Ann
[ 6 s] Ben has iced tea for Ben'
  seen 'Ann has lemonade for Ann$' && seen 'Ben has iced tea for Ben$' ||
    wrong 'what is shown is not what was sent. The bytes went into a cup that is
      gone, or another one is shown than was filled.' \
      '[ 6 s] Ann has lemonade for Ann
[ 6 s] Ben has iced tea for Ben'
  expect_output <<'END'
[ 5 s] Mom sends "lemonade" to Ann
[ 5 s] Mom sends "iced tea" to Ben
[ 6 s] Mom sends " for Ann" to Ann
[ 6 s] Mom sends " for Ben" to Ben
#{
[ 6 s] Ann has lemonade for Ann
[ 6 s] Ben has iced tea for Ben
#}
[ 6 s] done
END
}

read_again 'The idea' 'How long does the cup stay? From the call that initiates
until the handler **runs**.'
# What a function leaves behind on its stack is watched as well.
ASAN=detect_stack_use_after_return=1
run address
check_runs as_told
