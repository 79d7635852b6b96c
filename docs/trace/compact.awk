# Makes the lines of a trace short, for the page: awk -f compact.awk TRACE.json
#
# One event a line. A time is the nanoseconds since the event of the line before.
# "n TEXT" gives the next number, from 0 on, to a text; other lines name texts by
# their numbers:
#
#   M thread text              the thread's name
#   s thread time text [op]    an operation is initiated, the next one or this
#   r time op on [word]        it is ready for its executor
#   h thread time length text op by on [n [err [word]]]   a handler
#   p thread time length text                       the poll
#   f thread time op           a handler that has not returned
#   i thread time text         a mark, as lesson_say makes it
#
# But in s and f, `op` is how many operations ago it was initiated, and `by` is how
# many before `op`; 0 is none.

function field(name,  value) { # a number, or a text without its quotes
  if (!match($0, "\"" name "\":(\"[^\"]*\"|[-0-9.]+)"))
    return ""
  value = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
  gsub(/^"|"$/, "", value)
  gsub(/</, "\\u003c", value)
  return value
}

function text(name,  value) {
  value = field(name)
  if (!(value in number)) {
    number[value] = count++
    print "n " value
  }
  return number[value]
}

# Thousandths of a microsecond, digit by digit: no fraction gets lost.
function nanoseconds(value,  part) {
  split(value, part, ".")
  return part[1] * 1000 + substr(part[2] "000", 1, 3)
}

function after(at,  since) {
  since = at - before
  before = at
  return sprintf("%.0f", since)
}

function begin(phase) {
  return phase " " field("tid") " " after(nanoseconds(field("ts")))
}

function slice(phase) {
  return begin(phase) sprintf(" %.0f ", nanoseconds(field("dur"))) text("name")
}

# How long ago an operation was initiated, in operations.
function ago(op) { return " " (last - op) }

function part() { return field("part") == "" ? "" : " " text("part") }

# What is 0 is left out at the end.
function result() {
  if (part() != "" || field("err") != 0)
    return " " field("n") " " field("err") part()
  return field("n") == 0 ? "" : " " field("n")
}

!/},?$/ { next } # the file of a program that was killed has half a line
{
  phase = field("ph")
  cat = field("cat")
}
phase == "M" && /thread_name/ {
  sub(/"name":"thread_name",/, "")
  print "M " field("tid") " " text("name")
}
phase == "s" {
  print begin(phase) " " text("name") (field("id") == last + 1 ? "" : " " field("id"))
  last = field("id")
}
phase == "t" || phase == "f" {
  thread[field("id")] = field("tid")
  begun[field("id")] = nanoseconds(field("ts"))
}
phase == "i" && cat == "ready" {
  print "r " after(nanoseconds(field("ts"))) ago(field("op")) " " text("on") part()
}
phase == "i" && cat == "mark" { print begin("i") " " text("name") }
phase == "X" && cat == "handler" {
  delete begun[field("op")]
  by = field("by")
  print slice("h") ago(field("op")) " " (by + 0 ? field("op") - by : 0) " " \
    text("on") result()
}
phase == "X" && cat == "poll" { print slice("p") }
END {
  for (op in begun)
    print "f " thread[op] " " after(begun[op]) " " op
}
