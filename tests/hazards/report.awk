# report.awk: what matters of a sanitizer's report: the line with the text of
# `TEXT`, and from each stack its heading and the first frame in `file`. The
# report of a seed has its own headings, and all frames in `file` count.

BEGIN { gsub(/\./, "[.]", file) }

# Numbers that differ from run to run, and paths, go.
function say(line) {
  gsub(/ on address 0x.*| ?\(pid=[0-9]+\)|==[0-9]+==| at 0x[0-9a-f]+| \(tid=.*/, "",
    line)
  gsub(/0x[0-9a-f]+ in |,? thread T[0-9]+ \(mutexes.*/, "", line)
  sub(/ \([^ ]*\+0x.*/, "", line)
  sub(/ [^ ]*\/hazards\//, " ", line)
  sub(/\.c:[0-9]+:[0-9]+$/, "&!", line)
  sub(/:[0-9]+!$/, "", line)
  sub(/^ +/, "", line)
  if (!(line in said) && ++count <= 9)
    print "    " indent line
  said[line] = 1
}

index($0, ENVIRON["TEXT"]) && !found { say($0); found = 1; next }
/^ *(READ|WRITE|Read|Write|Previous|Atomic|Mutex .* acquired)/ ||
  /^ *(freed by|previously allocated|Direct leak|Indirect leak|thread [0-9])/ {
  heading = $0
  told = 0
}
/<== Memory access/ { say($0) }
found && $0 ~ ("^ *#[0-9]+ .*" file ":[0-9]+") && !told {
  if (heading)
    say(heading)
  indent = "  "
  say($0)
  indent = ""
  told = 1
}
found && $0 ~ ("^ *[a-z].* [(]" file ":[0-9]+[)]$") && $0 !~ /  [a-z_0-9]+ [(]/ {
  if (heading && !told)
    say(heading)
  indent = "  "
  say($0)
  indent = ""
  told = 1
}
