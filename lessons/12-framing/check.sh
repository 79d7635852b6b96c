# Lines in one piece and in many; too long by a byte, by far, and at the brim.
. tests/exercises/visit.sh
about='With a delimiter there is a way back into step: the next newline is the end of what was too long. A reader of lengths has none. And the buffer was never larger than a line, however long the song.'

# What was heard says which mistake it is.
meant() {
  case "$2 instead of $3" in
  *'\0'*)
    because='A NUL was sent as well: `sizeof` counts the one behind a string.'
    read_again 'Your turn' '`ax_cstring` makes a buffer of the bytes of a string, without its NUL.'
    ;;
  *nothing*'instead of'*'too long'*)
    because='If nothing is consumed, a read into the full buffer ends at once, again and again.'
    read_again 'The code' 'The next read ends in the same way at once, unless something was consumed'
    ;;
  *closed*'instead of'*'too long'*)
    read_again 'The code' 'If it reaches the limit without a NUL, `err` is `UV_EMSGSIZE` and `n` is 0, and the bytes stay in the buffer.'
    ;;
  *'hears "too'*'instead of'*)
    because='What was remembered of a long line was not forgotten at its end.'
    read_again 'Recap' 'Read until the frame is complete. What came after it belongs to the next one.'
    ;;
  *'instead of'*'too long'*)
    because='A piece of a long line was taken for a line of its own.'
    read_again 'The idea' 'A message is whole, or it is not there.'
    ;;
  esac
}

lines() {
  serve "$@" --limit 8 "$tmp/lines.sock"
  read_again 'Recap' 'Read until the frame is complete. What came after it belongs to the next one.'
  scene lines
  scene byte-by-byte
  beside="printf '123456789\nsea\n' | nc -N -U /tmp/lines.sock"
  scene too-long
  scene at-the-brim
  scene answered-at-the-end
  scene very-long
  soon 'alive: 0' 'all have gone, and a session is still alive.'
  end_server
}

lines address
lines thread --butlers 2
