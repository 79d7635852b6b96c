# One sync, one after the other, three at once, and one whose
# server ends meanwhile.
. tests/exercises/visit.sh
about='To take the copy and to begin to hold is one step in one handler of the strand: so no update falls between them, and none is on both sides.'

feed() {
  serve "$@" "$tmp/feed.sock"
  read_again 'The idea' 'the reply holds all that came before, and the rest follows behind it.'
  scene sync-once
  read_again 'The idea' 'Nothing is missing and nothing comes twice.'
  scene sync-again
  scene three-at-once
  end_server
}

# The server ends while a reply is under way, and something is held.
ends_in_the_middle() {
  SPEED=2
  serve address "$tmp/feed.sock"
  read_again 'What breaks' 'Whatever a destroy function touches has to be there still.'
  scene leaves
  end_server
  SPEED=20
}

feed address
ends_in_the_middle
feed thread --butlers 2
