# match.awk: lines that are like a text in which {*} is anything, and {2..5} a
# number between the two, also included.
#
# The text is TEXT of the environment. With mode=part prints the lines that have
# the text in them. With mode=whole fails unless the lines are those of the text,
# one for one.

# Does the line, from its beginning, fit? With mode=whole to its end.
function fits(line, like,    i, number, ends) {
  while (like != "") {
    if (substr(like, 1, 3) == "{*}") {
      for (i = 1; i <= length(line) + 1; i++)
        if (fits(substr(line, i), substr(like, 4)))
          return 1
      return 0
    }
    if (match(like, /^\{[0-9.]+\.\.[0-9.]+\}/)) {
      number = substr(like, 2, RLENGTH - 2)
      like = substr(like, RLENGTH + 1)
      i = index(number, "..")
      ends[1] = substr(number, 1, i - 1)
      ends[2] = substr(number, i + 2)
      if (!match(line, /^[0-9]+(\.[0-9]+)?/))
        return 0
      number = substr(line, 1, RLENGTH)
      if (number + 0 < ends[1] + 0 || number + 0 > ends[2] + 0)
        return 0
      line = substr(line, RLENGTH + 1)
      continue
    }
    if (substr(line, 1, 1) != substr(like, 1, 1))
      return 0
    line = substr(line, 2)
    like = substr(like, 2)
  }
  return mode == "part" || line == ""
}

function has(line, like,    i) {
  for (i = 1; i <= length(line); i++)
    if (fits(substr(line, i), like))
      return 1
  return 0
}

BEGIN { count = split(ENVIRON["TEXT"], wanted, "\n") }

mode == "part" && has($0, ENVIRON["TEXT"]) { print }
mode == "whole" && !(NR <= count && fits($0, wanted[NR])) { other = 1 }

END {
  if (mode == "whole" && (other || NR != count))
    exit 1
}
