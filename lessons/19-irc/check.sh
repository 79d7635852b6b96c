# Dice: for all in the channel, for nobody else, in order, and no nonsense.
. tests/exercises/visit.sh
about='No lock, and no line about strands: a command runs in the hall, and whatever it reads and writes is there. The line was put into words once, and so all heard the same number.'

dice() {
  serve "$@" "$tmp/irc.sock"
  read_again 'The code' 'A command is a function in a table.'
  scene rolls
  scene many
  read_again 'The idea' 'That holds for all forty commands, and a new one has nothing to think of.'
  scene in-order
  read_again 'Run it' 'The third one opens a channel:'
  scene outside
  scene nonsense
  end_server
}

dice address
dice thread --butlers 2
