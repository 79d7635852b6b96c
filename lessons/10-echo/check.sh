# An echo that shouts, on a Unix socket: words, a song, two clients at once, the
# last NUL. And each session goes when its client has gone.
. tests/exercises/visit.sh
about='A session is a circle of operations, and nobody owns it but the one that is pending. The endpoint was a Unix socket, and no line of yours knew that.'

guests() {
  serve "$@" "$tmp/shout.sock"
  read_again 'The idea' 'The handler of one operation initiates the next one, and does so last.'
  scene words
  scene a-song
  read_again 'The idea' 'from that call on another butler may run the next handler, while this one still returns.'
  scene crowd
  read_again 'The idea' '`ax_keep(s, ...)` makes the pending operation hold a reference, from the initiating call until its handler has returned.'
  scene two-at-once
  read_again 'The code' 'An error ends it, and so does a NUL at the end of what came, but only after it was echoed:'
  scene last-nul
  read_again 'The idea' 'A handler that initiates nothing more lets the last reference go, and `session_destroy` runs.'
  soon 'alive: 0' 'all clients have gone, and a session is still alive.'
  end_server
}

guests address
guests thread --butlers 2
