#!/bin/sh
# text.sh FILE.md...: are the texts still true? In a text,
#
#   <!-- code: FILE NAME -->     is followed by that region of a source file,
#                                from /* region: NAME */ to /* end: NAME */
#   <!-- output: FILE -->        is followed by an expected.txt
#
# as a fenced block, and has to be the same; the rules of an expected.txt
# (lines with # at the start) may be left out. Links to files have to lead
# somewhere. It prints what is wrong, and fails if anything is.

awk '
function complain(message) {
  print FILENAME ":" FNR ": " message > "/dev/stderr"
  wrong++
}

# The lines of a region, or of the whole file when name is empty.
function load(file, name,    line, text, inside, found, status) {
  inside = found = name == ""
  while ((status = (getline line < file)) > 0) {
    if (name != "" && index(line, "/* region: " name " */"))
      inside = found = 1
    else if (name != "" && index(line, "/* end: " name " */"))
      inside = 0
    else if (inside && line !~ /\/\* (region|end): [a-z0-9-]+ \*\//)
      text = text line "\n"
  }
  close(file)
  if (status < 0)
    complain("there is no file " file)
  else if (!found)
    complain("there is no region " name " in " file)
  return text
}

function without_rules(text) {
  text = "\n" text
  while (match(text, /\n#[^\n]*/))
    text = substr(text, 1, RSTART - 1) substr(text, RSTART + RLENGTH)
  return substr(text, 2)
}

function check_link(target,    path) {
  sub(/#.*/, "", target)
  path = FILENAME
  if (!sub(/\/[^\/]*$/, "/", path))
    path = ""
  if (target != "" && target !~ /^[a-z]+:/ &&
      system("test -e \"" path target "\""))
    complain("dead link: " target)
}

FNR == 1 { fence = 0; kind = "" }

/^<!-- (code|output): / {
  kind = $2
  file = $3
  region = kind == "code:" ? $4 : ""
  want = load(file, region)
  have = ""
  next
}

/^ *```/ {
  fence = !fence
  next
}

/^<!-- end -->/ && kind != "" {
  if (kind == "output:") {
    want = without_rules(want)
    have = without_rules(have)
  }
  if (want != have)
    complain("this is not what " file " " region " holds")
  kind = ""
  blocks++
  next
}

kind != "" && fence { have = have $0 "\n" }

!fence {
  rest = $0
  while (match(rest, /\]\([^)]*\)/)) {
    check_link(substr(rest, RSTART + 2, RLENGTH - 3))
    rest = substr(rest, RSTART + RLENGTH)
    links++
  }
}

END {
  if (!wrong)
    print "texts: " blocks + 0 " blocks and " links + 0 " links are right"
  exit wrong > 0
}' "$@"
