#!/bin/sh
# page.sh TITLE SPEED SHARED LABEL TRACE [LABEL TRACE...]: writes the page of one
# or more traces of a program to standard output.
#
# SPEED is LESSON_SPEED; SHARED names the handlers that touch the same data.
# A trace is what AX_TRACE made. Nothing but sh and awk is needed.
set -eu
here=$(dirname "$0")
title=$1 speed=$2 shared=$3
shift 3

escape() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g'; }

runs() {
  while [ $# -ge 2 ]; do
    [ -s "$2" ] || { echo "$2: there is no trace" >&2; exit 1; }
    printf '<script type="text/plain" class="run" data-label="%s">\n' "$(escape "$1")"
    awk -f "$here/compact.awk" "$2"
    echo '</script>'
    shift 2
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
  *@title@* | *@speed@*)
    printf '%s\n' "$line" | awk -v title="$(escape "$title")" -v speed="$speed" \
      -v shared="$shared" '{ gsub(/&/, "\\\\&", title); gsub(/@title@/, title)
        gsub(/@speed@/, speed); gsub(/@shared@/, shared); print }' ;;
  *) printf '%s\n' "$line" ;;
  esac
done <"$here/page.html"
