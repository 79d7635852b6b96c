#!/bin/sh
# page.sh TITLE SHARED LABEL SPEED TRACE [LABEL SPEED TRACE...]: writes the page of
# one or more traces of a program to standard output.
#
# SHARED names the handlers that touch the same data. A trace is what AX_TRACE
# made with that LESSON_SPEED. Nothing but sh, sed and awk is needed.
set -eu
here=$(dirname "$0")
title=$1 shared=$2
shift 2

escape() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g'; }

runs() {
  while [ $# -ge 3 ]; do
    [ -s "$3" ] || { echo "$3: there is no trace" >&2; exit 1; }
    printf '<script type="text/plain" class="run" data-label="%s" data-speed="%s">\n' \
      "$(escape "$1")" "$2"
    awk -f "$here/compact.awk" "$3"
    echo '</script>'
    shift 3
  done
}

# What the cast is made of, without the comment and the picture around it.
cast() { sed -n '/<defs>/,/<\/defs>/p' "$here/../../slides/pictures/cast.svg"; }
colours() { sed -n '/^:root {/,/^}/p' "$here/../../slides/theme.css"; }

while IFS= read -r line; do
  case $line in
  @css@) colours; cat "$here/page.css" ;;
  @cast@) cast ;;
  @runs@) runs "$@" ;;
  @js@) for part in model pens draw picture lanes story page; do
    sed '/^ *\/\/ /d; s/^ *//' "$here/$part.js"; done ;;
  *@title@* | *@shared@*)
    printf '%s\n' "$line" | awk -v title="$(escape "$title")" -v shared="$shared" '{
      gsub(/&/, "\\\\&", title); gsub(/@title@/, title); gsub(/@shared@/, shared)
      print }' ;;
  *) printf '%s\n' "$line" ;;
  esac
done <"$here/page.html"
