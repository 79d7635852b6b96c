#!/bin/sh
# layers.sh OBJECTS: does each file of the core use only what stands above it?
#
# The order is that of the table in docs/core.md. A file may include headers of
# rows above and of its own row, and its object (in the folder OBJECTS) may use
# functions that these define. Every file of the core has to be in the table.
set -u
objects=$1
order=$(sed -n 's/^| \(`[a-z_`., ]*\) | .*/\1/p' docs/core.md | tr -d '`,')
{
  echo "$order" | awk '{ for (i = 1; i <= NF; i++) print "row", $i, NR }'
  for file in common/*.[ch]; do
    case $file in */lesson.* | */cli.c | */log.c | */serve.c) continue ;; esac
    name=${file#common/}
    echo "file $name"
    sed -n 's/^#include "\(.*\)"/\1/p' "$file" | sed "s/^/include $name /"
    case $name in *.h) continue ;; esac
    [ -f "$objects/${name%.c}.o" ] || continue # the other scheduler
    nm "$objects/${name%.c}.o" |
      awk -v name="$name" '$(NF - 1) == "U" { print "use", name, $NF }
        $(NF - 1) ~ /^[A-TV-Z]$/ { print "define", name, $NF }'
  done
} | awk '
  $1 == "row" { row[$2] = $3 }
  $1 == "file" && !($2 in row) { complain($2 " is not in docs/core.md") }
  $1 == "include" && row[$3] > row[$2] { complain($2 " includes " $3) }
  $1 == "define" { by[$3] = $2 }
  $1 == "use" { use[++uses] = $2; what[uses] = $3 }
  function complain(text) { print text > "/dev/stderr"; wrong++ }
  END {
    for (i = 1; i <= uses; i++)
      if (what[i] in by && row[by[what[i]]] > row[use[i]])
        complain(use[i] " uses " what[i] " of " by[what[i]])
    if (wrong)
      print "files of the core use what stands below them" > "/dev/stderr"
    else
      print "layers: no file uses what stands below it"
    exit wrong > 0
  }'
