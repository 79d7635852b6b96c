# Lines in one piece and in many; too long by a byte, by far, and at the brim.
. tests/exercises/visit.sh
about='With a delimiter there is a way back into step: the next newline is the end of what was too long. A reader of lengths has none. And the buffer was never larger than a line, however long the song.'

lines() {
  serve "$@" --limit 8 "$tmp/lines.sock"
  read_again 'Recap' 'Read until the frame is complete. What came after it belongs to the next one.'
  scene lines
  scene byte-by-byte
  read_again 'The code' 'If it reaches the limit without a NUL, `err` is `UV_EMSGSIZE`:'
  scene too-long
  scene at-the-brim
  read_again 'The idea' 'A message is whole, or it is not there.'
  scene answered-at-the-end
  scene very-long
  soon 'alive: 0' 'all have gone, and a session is still alive.'
  end_server
}

lines address
lines thread --butlers 2
