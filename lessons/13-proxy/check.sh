# Both ways, each end by itself, a reset, and two songs at once.
. tests/exercises/visit.sh
about='An end is a message like any other, and it is passed on. A proxy that takes the first end for the last is one that nobody notices, until somebody says all he has to say and then listens.'

relay() {
  serve "$@" --to "$tmp/shack.sock" 127.0.0.1:0
  read_again 'The idea' 'A session is the circle of lesson 10, twice:'
  scene both-ways "$tmp/shack.sock"
  soon 'alive: 0' 'both have left, and the session is still alive.'
  read_again 'The idea' '`ax_stream_shutdown` ends the other connection in the same direction.'
  scene dad-first "$tmp/shack.sock"
  scene shack-first "$tmp/shack.sock"
  read_again 'The idea' 'A circle that has seen its end starts no operation any more, and when both circles have stopped, nothing keeps the session.'
  soon 'alive: 0' 'both ways have ended, and the session is still alive.' 3
  read_again 'The idea' 'After a reset nobody is there to talk to, so both circles end.'
  scene dad-vanishes "$tmp/shack.sock"
  soon 'alive: 0' 'Dad has vanished, and the session is still alive.' 4
  read_again 'The idea' 'A direction reads one cup, writes it, and only then reads the next.'
  scene songs "$tmp/shack.sock"
  end_server
}

relay address
relay thread --butlers 2
