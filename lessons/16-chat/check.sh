# All awake, one asleep, one who leaves while much waits for him.
. tests/exercises/visit.sh
about='The bound is on what waits, and not on what is being written: the packet in front belongs to the write until its handler runs. Who drops says so, or nobody could tell a quiet room from a lost one.'

chat() {
  serve "$@" "$tmp/chat.sock"
  read_again 'The idea' 'So the message in front stays in the deque while it is written, and its place must not move.'
  scene awake
  read_again 'Recap' 'What a peer can make grow has a limit.'
  scene asleep
  read_again 'Recap' 'One write at a time; the message in front stays where it is until it is written.'
  scene leaves
  end_server
  read_again 'Recap' 'What a peer can make grow has a limit.'
  local most
  most=$(sed -n 's/^most packets in a queue: //p' "$out")
  [ "$most" -le 66 ] || wrong "$most packets were in a queue at once." \
    'one that is being written, 64 that wait, and a word about those that are lost'
  [ "$most" -ge 60 ] || wrong "no more than $most packets were ever in a queue: too few." \
    'one that is being written, and 64 that wait'
}

chat address
chat thread --butlers 2
