#!/bin/sh
# text.sh check|write FILE...: do the texts say what the sources say?
#
# Files that end in .md are texts, all others sources. In a text,
#
#   <!-- code: FILE REGION -->   is followed by that region of a source file,
#                                from /* region: NAME */ to /* end: NAME */
#   <!-- output: FILE -->        is followed by an expected.txt, with all its
#                                rules (lines with # at the start) or with none
#   <!-- lessons -->             is followed by a table whose first columns are
#                                number and title of each lesson, as a link
#   <!-- minutes -->             is followed by a table of the parts of all decks
#   <!-- hazards -->             is followed by a table of all hazards, from their
#                                first comments (tests/hazards/comment.sh)
#   <!-- times -->               is followed by a table of start, minutes and
#                                more, whose starts are what the minutes say
#
# up to <!-- end -->. `check` complains where that is not the same, and `write`
# puts it right, keeping a fence's language and the other columns of a table.
# Slides and book name the file in an empty block; docs/regions.lua fills it:
#
#   ```{.c code="FILE" region="REGION"}      ```{.text output="FILE"}
#
# Links lead from the text, those of slides/ from the root, like all else there.
#
# Both complain of what nobody can put right: a file, region, heading or name
# of the core that does not exist, a region that is empty, not closed or there
# twice, a block without its end. Each with file and line; then they fail.

case $1 in
check | write) mode=$1 && shift ;;
*) mode= ;;
esac
if [ -z "$mode" ] || [ $# -eq 0 ]; then
  echo 'usage: text.sh check|write FILE...' >&2
  exit 2
fi

LC_ALL=C exec awk -v mode="$mode" '
function complain(line, message) {
  print at ":" line ": " message > "/dev/stderr"
  wrong++
}

# ------------------------------------------------------------- sources

# Reads a source once: exists[], text[] of the file, and the regions in it.
function load(file,    line, n, status, mark, name, open, names, i) {
  if (file in exists)
    return exists[file]
  while ((status = (getline line < file)) > 0) {
    n++
    if (match(line, /(\/\*|#) (region|end): [a-z0-9-]+/)) {
      mark = substr(line, RSTART, RLENGTH)
      name = mark
      sub(/.*: /, "", name)
      if (mark ~ /region:/) {
        if ((file, name) in begun)
          faults[file] = faults[file] n ": region " name " is there twice\n"
        begun[file, name] = n
        region[file, name] = ""
        open = open " " name " "
      } else if (!sub(" " name " ", "", open))
        faults[file] = faults[file] n ": end: " name " without its region\n"
      else if (region[file, name] !~ /[^ \t\n]/)
        faults[file] = faults[file] n ": region " name " is empty\n"
      else
        closed[file, name] = 1
      continue
    }
    text[file] = text[file] line "\n"
    if (line !~ /^#/)
      plain[file] = plain[file] line "\n"
    collect(file, open, line)
  }
  close(file)
  n = split(open, names, " ")
  for (i = 1; i <= n; i++)
    faults[file] = faults[file] begun[file, names[i]] ": region " names[i] \
      " is not closed\n"
  return exists[file] = status == 0
}

# Regions may overlap: a line belongs to all that are open.
function collect(file, open, line,    i, n, names) {
  n = split(open, names, " ")
  for (i = 1; i <= n; i++)
    region[file, names[i]] = region[file, names[i]] line "\n"
}

# The region of that name, or the whole file when there is no name.
function code(line, file, name) {
  if (!load(file))
    complain(line, "there is no file " file)
  else if (name == "")
    return text[file]
  else if (!((file, name) in begun))
    complain(line, "there is no region " name " in " file)
  else if (!((file, name) in closed))
    complain(line, "region " name " in " file " is empty or not closed")
  return region[file, name]
}

function output(line, file, old) {
  if (!load(file))
    complain(line, "there is no file " file)
  else if (plain[file] == "")
    complain(line, "there is no output in " file)
  return ("\n" old) ~ /\n#/ ? text[file] : plain[file]
}

function check_source(file,    i, n, fault) {
  at = file
  if (!load(file))
    complain(1, "cannot be read")
  n = split(faults[file], fault, "\n")
  for (i = 1; i < n; i++) {
    print file ":" fault[i] > "/dev/stderr"
    wrong++
  }
}

# ------------------------------------------------------- lessons, names

# The table anew: header and further columns are those of the old one.
function lessons(line, old,    rows, n, i, cells, rest, list, file, title) {
  n = split(old, rows, "\n")
  list = rows[1] "\n" rows[2] "\n"
  for (i = 3; i < n; i++)
    if (match(rows[i], /\(lessons\/[^)]*\) \|/))
      rest[substr(rows[i], RSTART + 1, RLENGTH - 4)] = \
        substr(rows[i], RSTART + RLENGTH)
  while (("ls lessons/*/README.md" | getline file) > 0) {
    getline title < file
    close(file)
    if (title !~ /^# Lesson [0-9]+: /)
      complain(line, file " has no title like # Lesson 1: a timer")
    split(title, cells, ": ")
    sub(/^# Lesson /, "", cells[1])
    if (rest[file] !~ /[a-z]/)
      complain(line, file " has no text in the table")
    list = list "| " cells[1] " | [" cells[2] "](" file ") |" rest[file] "\n"
  }
  close("ls lessons/*/README.md")
  return list
}

# The parts of the decks, with the minutes that their notes add up to.
function minutes(old,    list, file, line, deck, cells, all) {
  list = "| deck | part | minutes |\n|---|---|---|\n"
  while (("ls slides/[1-9]-*.md" | getline file) > 0) {
    while ((getline line < file) > 0 && line !~ /^## /)
      if (sub(/^title: "/, "", line)) {
        sub(/:.*/, "", line)
        gsub(/  +/, " ", line)
        deck = line
      } else if (line ~ /^# \|.*[0-9] \|$/) {
        split(line, cells, / *\| */)
        list = list "| " deck " | " cells[2] " | " cells[3] " |\n"
        deck = ""
      } else if (sub(/^minutes: /, "", line))
        all = line
    list = list "| | **all** | **" all "** |\n"
    close(file)
  }
  close("ls slides/[1-9]-*.md")
  return list
}

function times(line, old,    rows, n, i, list, at, cells, start) {
  n = split(old, rows, "\n")
  list = rows[1] "\n" rows[2] "\n"
  for (i = 3; i < n; i++) {
    split(rows[i], cells, / *\| */)
    if (i < n - 1 && cells[3] !~ /^[0-9]+$/)
      complain(line + i, "this row has no minutes")
    start = sprintf("%d:%02d", at / 60, at % 60)
    sub(/^\| *[0-9:]* *\|/, "| " start " |", rows[i])
    list = list rows[i] "\n"
    at += cells[3]
  }
  return list
}

# A hazard per row: lesson, file, the first sentence of its comment, and how it
# is shown.
function hazards(line,    list, file, parts, number, name) {
  list = "| lesson | hazard | what is wrong | how it shows |\n|---|---|---|---|\n"
  while (("ls lessons/*/hazards/*.c" | getline file) > 0) {
    if (file ~ /_fixed\.c$/)
      continue
    split(file, parts, "/")
    number = parts[2] + 0
    name = parts[4]
    read_hazard(file)
    if (hazard_words == "" || hazard_how == "")
      complain(line, file " does not say what is wrong, or how it shows")
    list = list "| [" number "](../lessons/" parts[2] "/README.md#what-breaks) " \
      "| [" name "](../" file ") | " hazard_words " | " hazard_how " |\n"
  }
  close("ls lessons/*/hazards/*.c")
  return list
}

function read_hazard(file,    line, begun, parted) {
  hazard_words = hazard_how = ""
  while ((getline line < file) > 0) {
    parted = sub(/ *\*\/ *$/, "", line)
    sub(/^(\/\*| \*) ?/, "", line)
    if (line ~ /^(Prints|Signal|Address|Thread|Seed): /) {
      sub(/: /, ": `", line)
      hazard_how = hazard_how (hazard_how ? "; " : "") tolower(substr(line, 1, 1)) \
        substr(line, 2) "`"
    } else if (!begun) {
      hazard_words = hazard_words (hazard_words ? " " : "") line
      begun = sub(/\. .*|\.$/, "", hazard_words) || line == ""
    }
    if (parted)
      break
  }
  close(file)
}

# Every name of the core that a text mentions is one.
function check_names(line, string,    name) {
  while (match(string, /[A-Za-z0-9_]+\*?/)) {
    name = substr(string, RSTART, RLENGTH)
    if (name ~ /^(ax|AX)_.*[^_*]$/ && !(name in known))
      complain(line, "the core has no " name)
    string = substr(string, RSTART + RLENGTH)
  }
}

function learn_names(    line, file, command) {
  command = "ls common/*.[ch] tests/core/*.md 2>/dev/null"
  while ((command | getline file) > 0) {
    while ((getline line < file) > 0)
      while (match(line, /(ax|AX)_[A-Za-z0-9_]+/)) {
        known[substr(line, RSTART, RLENGTH)] = 1
        line = substr(line, RSTART + RLENGTH)
      }
    close(file)
  }
  close(command)
}

# --------------------------------------------------------------- links

# The anchor that a web view makes of a heading.
function anchor(heading) {
  gsub(/\]\([^)]*\)/, "", heading)
  heading = tolower(heading)
  gsub(/[^a-z0-9 _-]/, "", heading)
  gsub(/ /, "-", heading)
  return heading
}

function learn_anchors(file,    line, fence, id) {
  if (file in learned)
    return
  learned[file] = 1
  while ((getline line < file) > 0) {
    if (line ~ /^ *```/)
      fence = !fence
    if (!fence && sub(/^#+ +/, "", line)) {
      id = anchor(line)
      anchors[file, id (count_of[file, id] ? "-" count_of[file, id] : "")] = 1
      count_of[file, id]++
    }
  }
  close(file)
}

# a/b/../c.md is a/c.md
function normal(path) {
  while (sub(/[^\/]+\/\.\.\//, "", path))
    ;
  return path
}

function check_link(line, target,    path, id) {
  if (target ~ /^[a-z]+:/)
    return
  id = target
  id = sub(/^[^#]*#/, "", id) ? id : ""
  sub(/#.*/, "", target)
  path = at
  if (target != "") {
    sub(/[^\/]*$/, "", path)
    path = normal((path == "slides/" ? "" : path) target)
  }
  if (system("test -e \"" path "\"")) {
    complain(line, "dead link: " target)
    return
  }
  if (id == "")
    return
  learn_anchors(path)
  if (!((path, id) in anchors))
    complain(line, "dead anchor: " target "#" id)
}

function check_links(line, string) {
  gsub(/`[^`]*`/, "", string)
  if (string ~ /^\[[^\]]+\]: /) {
    sub(/^[^ ]+ +/, "", string)
    string = "](" string ")"
  }
  while (match(string, /\]\([^) ]*/)) {
    check_link(line, substr(string, RSTART + 2, RLENGTH - 2))
    string = substr(string, RSTART + RLENGTH)
    links++
  }
}

# --------------------------------------------------------------- texts

function attribute(string, name) {
  if (!match(string, "[ {]" name "=\"[^\"]*\""))
    return ""
  string = substr(string, RSTART, RLENGTH - 1)
  sub(/^[^"]*"/, "", string)
  return string
}

# An empty block of slides or book that names what belongs there.
function check_fence(n, line,    file, names, i) {
  if ((file = attribute(line, "code")) != "") {
    code(n, file, attribute(line, "region"))
    for (i = split(attribute(line, "definition"), names, " "); i > 0; i--)
      if (text[file] !~ ("(^|[^a-z_])" names[i] "( \\{|\\()"))
        complain(n, "there is no " names[i] " in " file)
  }
  else if ((file = attribute(line, "output")) != "")
    output(n, file, "")
  else
    return
  blocks++
}

function language(file) {
  return file ~ /\.[ch]$/ ? "c" : file ~ /\.py$/ ? "python" : "text"
}

# What a mark promises, in place of what is there, old.
function promised(n, mark, old,    word) {
  split(mark, word, " ")
  if (word[2] == "code:")
    return code(n, word[3], word[4] == "-->" ? "" : word[4])
  if (word[2] == "output:")
    return output(n, word[3], old)
  if (word[2] == "minutes")
    return minutes(old)
  if (word[2] == "hazards")
    return hazards(n)
  return word[2] == "times" ? times(n, old) : lessons(n, old)
}

# A marked block from line n on; returns the number of its last line.
function block(n,    mark, start, open, shut, old, new, want, word, bare, was) {
  mark = lines[n]
  start = n
  bare = mark ~ TABLE
  while (++n <= count && lines[n] !~ /^<!-- end -->/) {
    if (lines[n] ~ BLOCK || lines[n] ~ TABLE)
      break
    if (!bare && lines[n] ~ /^```/) {
      if (open == "")
        open = lines[n]
      else
        shut = 1
    } else if (bare || (open != "" && !shut))
      old = old lines[n] "\n"
    check_names(n, lines[n])
  }
  if (n > count || lines[n] !~ /^<!-- end -->/) {
    complain(start, "this block has no <!-- end -->")
    result = result mark "\n"
    return start
  }
  blocks++
  was = wrong
  want = promised(start, mark, old)
  if (wrong > was)
    want = old
  split(mark, word, " ")
  if (bare)
    new = want
  else
    new = (open == "" ? "```" language(word[3]) : open) "\n" want "```\n"
  if (want != old && mode == "check")
    complain(start, "stale: " (bare ? "the table of " word[2] : "not what " \
      word[3] (word[2] == "code:" ? " " word[4] : "") " holds") \
      "; try `make texts`")
  result = result mark "\n" new "<!-- end -->\n"
  return n
}

function check_text(file,    line, n, fence, before) {
  at = file
  count = n = 0
  result = ""
  while ((getline line < file) > 0) {
    lines[++count] = line
    before = before line "\n"
  }
  close(file)
  if (!count)
    complain(1, "cannot be read, or is empty")
  fence = 0
  while (++n <= count) {
    line = lines[n]
    if (!fence && (line ~ BLOCK || line ~ TABLE)) {
      n = block(n)
      continue
    }
    if (line ~ /^ *```/) {
      fence = fence ? 0 : n
      if (fence)
        check_fence(n, line)
    } else if (!fence)
      check_links(n, line)
    check_names(n, line)
    result = result line "\n"
  }
  if (fence)
    complain(fence, "this block is not closed")
  if (mode == "write" && result != before) {
    printf "%s", result > file
    close(file)
    print "rewritten: " file
  }
}

BEGIN {
  BLOCK = "^<!-- (code|output): "
  TABLE = "^<!-- (lessons|minutes|times|hazards) -->"
  learn_names()
  for (i = 1; i < ARGC; i++)
    if (ARGV[i] ~ /\.md$/)
      check_text(ARGV[i])
    else
      check_source(ARGV[i])
  if (!wrong && mode == "check")
    print "texts: " blocks + 0 " blocks and " links + 0 " links are right"
  exit wrong > 0
}' "$@"
