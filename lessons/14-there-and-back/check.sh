# Three orders, two hops, two kinds of error.
about='An error is an answer, and it travels home like one. With one handler for the end of an order, whatever its way was, nobody has to ask which hop has failed.'

as_told() {
  read_again 'What you see' 'There is no recipe for green, and the error came home like an answer.'
  ! seen 'the cellar: .* green' ||
    wrong 'the cellar was asked for green, for which there is no recipe.'
  ! seen 'beach: green is served' ||
    wrong 'green is served, and there is no recipe for it: an error got lost.' 'the beach: green is ENOENT'
  read_again 'The code' 'The same with the function that the article wished for:'
  ! seen 'the beach: .* scoops' || wrong 'the ice was taken by the butler of the beach. It has to be done in the cellar: that is a hop.'
  ! seen 'the kitchen: .* scoops' || wrong 'the ice was taken by the butler of the kitchen.'
  seen 'the cellar: .* purple' || wrong 'the cellar was never asked for purple.' '[ 2 s] the cellar: 2 scoops for purple'
  read_again 'The idea' 'its handler runs exactly once, at home, with the result of the work.'
  ! seen '(kitchen|cellar): .* is ' ||
    wrong 'an order has ended on a thread of the kitchen or the cellar. on_served is for the beach.'
  for flavour in purple green orange; do
    [ "$(times "beach: $flavour is ")" -gt 0 ] || wrong "the beach never hears what became of $flavour."
    [ "$(times "beach: $flavour is ")" -lt 2 ] || wrong "the beach hears twice what became of $flavour."
  done
  expect_output <<'END'
[ 0 s] the kitchen: looks up purple
#{
[ 2 s] the kitchen: looks up green
[ 2 s] the cellar: 2 scoops for purple
#}
#{
[ 4 s] the kitchen: looks up orange
[ 4 s] the beach: green is ENOENT
#}
[ 5 s] the beach: purple is served
[ 6 s] the cellar: 2 scoops for orange
[ 9 s] the beach: orange is ENOSPC
[ 9 s] the beach: nothing left to do
END
}

read_again 'The idea' 'Between the two, `ax_run` counts one more piece of work, and does not return.'
check_runs as_told
