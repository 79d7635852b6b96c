# man.awk: makes the manual pages of a header, ax(7) and one for each section.
#
#   awk -v to=build/man -v version=0.1.0 -f common/man.awk common/ax.h
#
# The comment at the head of the header is ax(7): words and laws. A line such as
#
#   /* ------------- streams */
#
# begins a page of its own, ax_stream(3). A comment and the declarations under
# it, up to a blank line, are an entry there. Each name that an entry declares
# gets a page that leads to the section's, as ax_stream_read(3) does. Bodies are
# left out, and names with two underscores are private.
#
# The directories to/man3 and to/man7 have to be there. The language is that of
# POSIX, for any awk.

# ---------------------------------------------------------------- text

# Text as roff reads it; code keeps its quotes straight.
function plain(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  return text
}
function code(text) {
  text = plain(text)
  gsub(/'/, "\\(aq", text)
  gsub(/`/, "\\(ga", text)
  gsub(/\^/, "\\(ha", text)
  gsub(/~/, "\\(ti", text)
  return text
}

# No line of text may look like a request.
function guarded(line) { return (line ~ /^[.']/ ? "\\&" : "") line }

# Names bold, arguments (in backticks) italic.
function marked(text,    out, name) {
  while (match(text, MARKED)) {
    name = substr(text, RSTART, RLENGTH)
    out = out plain(substr(text, 1, RSTART - 1))
    text = substr(text, RSTART + RLENGTH)
    if (name ~ /^`/)
      out = out "\\fI" code(substr(name, 2, length(name) - 2)) "\\fR"
    else
      out = out "\\fB" code(name) "\\fR"
  }
  return out plain(text)
}

# Words as lines: one for each sentence, or more if it is long.
function fill(text,    n, i, word, line, out) {
  n = split(marked(text), word, /[ \t\n]+/)
  for (i = 1; i <= n; i++) {
    if (word[i] == "")
      continue
    if (length(line word[i]) > 78) {
      out = out guarded(line) "\n"
      line = ""
    }
    line = line (line == "" ? "" : " ") word[i]
    if (line ~ /[.?!][)"]?$/) {
      out = out guarded(line) "\n"
      line = ""
    }
  }
  return out (line == "" ? "" : guarded(line) "\n")
}

# A paragraph; what begins with a label is one of its own. `first` is what
# stands before the first one.
function paragraph(text, first,    out, at, label, rest) {
  out = first
  while (match(" " text, / (Source|Errors|Ownership|Threads): /)) {
    at = RSTART
    label = substr(" " text, at + 1, RLENGTH - 2)
    rest = substr(text, at + RLENGTH - 1)
    if (at > 1)
      out = out fill(substr(text, 1, at - 1)) ".PP\n"
    out = out "\\fI" (label == "Source:" ? "In Asio:" : label) "\\fR\n"
    text = rest
  }
  return out fill(text)
}

# A comment as paragraphs and lists: lines that begin with spaces are words
# with what they mean, or numbered; what is indented more goes on.
function prose(comment,    n, i, line, lines, text, before, out, item) {
  n = split(comment, lines, "\n")
  lines[++n] = ""
  for (i = 1; i <= n; i++) {
    line = lines[i]
    item = ""
    if (match(line, /^ +[0-9]+[.] +/) || match(line, /^  [a-z]+   */)) {
      item = substr(line, 1, RLENGTH)
      line = substr(line, RLENGTH + 1)
      gsub(/ /, "", item)
      item = (item ~ /[.]/ ? ".TP 5\n" item : ".TP 14\n\\fB" item "\\fR") "\n"
    }
    if (line == "" || item != "") {
      if (text != "")
        out = out paragraph(text, before)
      text = ""
      before = (out == "" ? "" : ".PP\n")
    }
    if (item != "")
      before = item
    sub(/^ +/, "", line)
    text = text (text == "" ? "" : " ") line
  }
  return out
}

# -------------------------------------------------------- declarations

# A line of code, bold up to its comment.
function coded(line,    at) {
  at = index(line, "/*")
  if (!at)
    return "\\fB" code(line) "\\fR\n"
  if (at == 1)
    return code(line) "\n"
  sub(/ +\/\*/, " /*", line)
  if (length(line) > WIDTH + 1)
    sub(/ \/\*/, "\n    /*", line)
  at = match(line, /\n? *\/\*/)
  return "\\fB" code(substr(line, 1, at - 1)) "\\fR" code(substr(line, at)) "\n"
}

# A declaration in one line becomes several where it is too long.
function folded(line,    out, at, indent) {
  indent = sprintf("%" index(line, "(") "s", "")
  while (length(line) > WIDTH) {
    for (at = WIDTH; at && substr(line, at, 2) != ", "; at--)
      ;
    if (!at)
      break
    out = out coded(substr(line, 1, at))
    line = indent substr(line, at + 2)
  }
  return out coded(line)
}

function declares(name) {
  if (name ~ /__/ || name in page_of)
    return
  page_of[name] = page
  order[++names] = name
}

# The name before the parenthesis of a function.
function called(line) {
  sub(/\(.*/, "", line)
  sub(/.*[ *]/, "", line)
  return line
}

# Takes one whole declaration, its lines joined by "\n".
function declare(text,    name, line, lines, n, i) {
  line = text
  gsub(/ *\\?\n */, " ", line)
  if (text ~ /^#define/) {
    match(text, /^#define [A-Za-z_0-9]+(\([^)]*\))?/)
    name = substr(text, 9, RLENGTH - 8)
    if (name ~ /__/)
      return
    if (name ~ /\(/)
      line = "#define " name
    sub(/\(.*/, "", name)
    declares(name)
    block = block coded(line)
  } else if (text ~ /^typedef (struct|enum) [a-z_0-9]+ \{\n/) {
    name = text
    sub(/.*\} /, "", name)
    sub(/;.*/, "", name)
    declares(name)
    n = split(text, lines, "\n")
    for (i = 1; i <= n; i++)
      block = block coded(lines[i])
  } else if (line ~ /^typedef/ && line !~ /\(/ ) {
    name = line
    sub(/;.*/, "", name)
    sub(/.*[ *}]/, "", name)
    declares(name)
    block = block folded(line)
  } else {
    sub(/^static inline /, "", line)
    sub(/ \{.*/, ";", line)
    name = called(line)
    if (name ~ /__/)
      return
    declares(name)
    if (line !~ /^typedef/ && name != page)
      functions = functions ", " name
    block = block folded(line)
  }
}

# --------------------------------------------------------------- pages

function title(name, section, what) {
  printf ".\\\" Made from ax.h.\n.TH %s %d \"\" \"ax %s\" \"Asynchronous " \
    "core\"\n.nh\n.ad l\n", name, section, version > file
  printf ".SH NAME\n%s\n", what > file
  printf ".SH SYNOPSIS\n.nf\n\\fB#include <ax.h>\\fR\n\n" > file
  printf "cc main.c $(pkg\\-config \\-\\-cflags \\-\\-libs ax)\n.fi\n" > file
  printf ".SH DESCRIPTION\n" > file
}

function end_page() {
  end_entry()
  if (page == "")
    return
  file = to "/man3/" page ".3"
  title(page, 3, plain(page functions " - " section " of the asynchronous core"))
  printf "%s.SH SEE ALSO\n\\fBax\\fR(7)\n", body > file
  close(file)
  body = functions = ""
}

# ax_stream for "streams", ax_operation for "own operations".
function begin_page(line) {
  end_page()
  gsub(/^\/\* -+ | \*\/$/, "", line)
  section = page = line
  sub(/.* /, "", page)
  sub(/s$/, "", page)
  page = "ax_" page
  pages[++count] = page
}

# A comment and what it declares.
function end_entry() {
  if (page != "" && block != "")
    body = body (body == "" ? "" : ".PP\n") ".nf\n" block ".fi\n.RS 4\n.PP\n" \
      prose(comment) ".RE\n"
  else if (page != "" && comment != "" && held == "")
    body = body (body == "" ? "" : ".PP\n") prose(comment)
  comment = block = held = ""
}

# ax(7), of the comment at the head, whose first line says what it is.
function head(    what, i) {
  file = to "/man7/ax.7"
  what = comment
  sub(/\n.*/, "", what)
  sub(/^[^:]*: /, "", what)
  sub(/[.]$/, "", what)
  sub(/^[^\n]*\n+/, "", comment)
  title("ax", 7, plain("ax - " what))
  printf "%s.SH SEE ALSO\n", prose(comment) > file
  for (i = 1; i <= count; i++)
    printf "\\fB%s\\fR(3)%s\n", plain(pages[i]), (i < count ? "," : "") > file
  close(file)
}

BEGIN {
  WIDTH = 70
  MARKED = "`[^`]*`|(ax|AX|UV|uv)_[A-Za-z_0-9]+|[a-z]+\\([237]\\)"
}

# What the head says is kept until all pages are known.
FNR == 1, /\*\/$/ {
  preface = preface uncommented($0) "\n"
  next
}
function uncommented(line) {
  sub(/^\/\* ?|^ \*\/$|^ \* ?/, "", line)
  sub(/ *\*\/$/, "", line)
  return line
}

/^\/\* -+ .* \*\/$/ {
  begin_page($0)
  next
}
page == "" || /^#endif/ { next }
inside {
  comment = comment "\n" uncommented($0)
  inside = !/\*\/$/
  next
}
open == "" && /^\/\*/ {
  end_entry()
  comment = uncommented($0)
  inside = !/\*\/$/
  next
}
open == "" && /^$/ {
  end_entry()
  next
}

# A declaration ends with its semicolon, a macro with its last line; what has
# braces, and begins so, with the line of the last one.
{
  held = open = open (open == "" ? "" : "\n") $0
  if (open ~ /^#define/ ? !/\\$/ : open ~ /\{\n/ ? /^\}/ : /;|\{.*\}/) {
    declare(open)
    open = ""
  }
}

END {
  end_page()
  comment = preface
  head()
  for (i = 1; i <= names; i++) {
    for (n = 1; n <= count && pages[n] != order[i]; n++)
      ;
    if (n > count) {
      file = to "/man3/" order[i] ".3"
      printf ".so man3/%s.3\n", page_of[order[i]] > file
      close(file)
    }
  }
}
