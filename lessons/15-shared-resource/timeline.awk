# timeline.awk TRACE: draws the first 1.2 seconds of a run: a line for each
# butler, "#" where handlers had him, and one with an "e" where an echo was
# answered. A column is 20 ms, of which handlers must have more than half.

BEGIN { SPAN = 20000 }

function number(key) {
  if (!match($0, "\"" key "\":[0-9.]+"))
    return -1
  return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
}

# Times of a trace are microseconds, and so is SPAN.
function column(time) { return int((time - begin) / SPAN) }

# What a handler has of each column that it touches.
function draw_handler(i, c, from, to) {
  for (c = column(from_of[i]); c <= column(to_of[i]); c++) {
    from = begin + SPAN * c
    to = from + SPAN
    if (from < from_of[i])
      from = from_of[i]
    if (to > to_of[i])
      to = to_of[i]
    busy[lane[i], c] += to - from
  }
}

/"thread_name"/ {
  thread = number("tid")
  match($0, /butler [0-9]+/)
  name[thread] = substr($0, RSTART, RLENGTH)
}

# It begins when the first request has.
/"cat":"handler"/ && /"name":"on_length"/ && !begin { begin = number("ts") }

/"cat":"handler"/ {
  thread = number("tid")
  if (/"on":"strand/)
    name[thread] = "interpreter"
  lane[++handlers] = thread
  used[thread] = 1
  from_of[handlers] = number("ts")
  to_of[handlers] = from_of[handlers] + number("dur")
}

# The echo's handlers are those of lesson 12; Python's have other names.
/"cat":"handler"/ && /"name":"on_written"/ { echo_at[++echoes] = number("ts") }

function print_lane(label, thread, c, line) {
  for (c = 0; c < 60; c++)
    line = line (busy[thread, c] > SPAN / 2 ? "#" : ".")
  printf "  %-12s%s\n", label, line
}

# The butlers of both contexts count from 1: the one who worked is meant, and
# one who had nothing to do has a lane all the same.
function print_butler(label, thread, found) {
  for (thread = 1; thread < 100; thread++)
    if (name[thread] == label && (!found || used[thread]))
      found = thread
  if (found)
    print_lane(label, found)
}

END {
  for (i = 1; i <= handlers; i++)
    draw_handler(i)
  for (i = 1; i <= echoes; i++)
    echo[column(echo_at[i])] = 1
  for (i = 1; i < 100; i++)
    print_butler("butler " i)
  print_butler("interpreter")
  for (c = 0; c < 60; c++)
    line = line (c in echo ? "e" : ".")
  printf "  %-12s%s\n", "echoes", line
}
