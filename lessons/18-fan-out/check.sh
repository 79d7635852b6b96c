# One sleeps, one floods, one says a word now and then. Then the sleeper wakes up,
# or leaves; or the one who floods does.
. tests/exercises/visit.sh
about='The packet knows who said it, and its end is the moment in which he may go on. So who floods waits for who sleeps, and nobody else does. How long? That is the other half of fairness, and lesson 18 has it: patience.'

chat() {
  serve "$@" "$tmp/chat.sock"
  read_again 'The idea' 'While somebody is behind, *everybody* who has something to say waits, the polite ones, too: from outside one cannot tell who is to blame.'
  scene fair
  read_again 'The idea' 'The sender has to wait.'
  scene wakes-up
  scene sleeper-leaves
  read_again 'What breaks' 'And nobody holds the chunk while it is written (lesson 7).'
  scene flo-leaves
  read_again 'What breaks' 'Everything seems to work, and `alive` on the last line of the server says how many clients were never freed.'
  end_server
  seen 'left: 0' || wrong 'packets are left at the end.' 'most packets at once: {*}, left: 0'
}

chat address
chat thread --butlers 2
