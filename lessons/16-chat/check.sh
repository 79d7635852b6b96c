# All awake, one asleep, one who leaves while much waits for him.
. tests/exercises/visit.sh
about='The bound is on what waits, and not on what is being written: the packet in front belongs to the write until its handler runs. Who drops says so, or nobody could tell a quiet room from a lost one.'

# What was heard says which mistake it is.
meant() {
  case "$2 instead of $3" in
  *lost\)*)
    because='A packet ends with a NUL, and so does the word about the lost ones.'
    read_again 'Your turn' '`(17 lost)`, and a NUL behind it like behind every packet'
    ;;
  *'Dan hears all'* | *'more lost packets'*)
    read_again 'Recap' 'What a peer can make grow has a limit.'
    ;;
  *' instead of Dan hears'*)
    because='A packet is missing, and nothing was said of it there.'
    read_again 'Your turn' 'it is told how many it has missed, in the place where they are missing'
    ;;
  esac
}

chat() {
  serve "$@" "$tmp/chat.sock"
  read_again 'The idea' 'So the message in front stays in the deque while it is written, and its place must not move.'
  scene awake
  read_again 'Recap' 'One write at a time; the message in front stays where it is until it is written.'
  scene asleep
  scene leaves
  end_server
  read_again 'Recap' 'What a peer can make grow has a limit.'
  local most
  most=$(sed -n 's/^most packets in a queue: //p' "$out")
  [ "$most" -le 65 ] || wrong "$most packets were in a queue at once: too many." \
    'one that is being written, and 64 that wait: 65'
  [ "$most" -ge 65 ] || wrong "no more than $most packets were ever in a queue: too few." \
    'one that is being written, and 64 that wait: 65'
}

chat address
chat thread --butlers 2
