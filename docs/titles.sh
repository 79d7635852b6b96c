#!/bin/sh
# titles.sh FILE...: a text may name a slide, as [deck I](../slides/FILE.md),
# *TITLE*. Complains of titles that the deck does not have, and fails then.
wrong=$(grep -o '(\.\./slides/[^)]*\.md), \*[^*]*\*' "$@" /dev/null |
  while IFS= read -r found; do
    deck=${found#*(../}
    deck=${deck%%)*}
    title=${found#*), \*}
    title=${title%\*}
    sed 's/ {[^}]*}$//' "$deck" | grep -qxF -e "## $title" ||
      echo "${found%%:*}: $deck has no slide \"$title\""
  done)
[ -z "$wrong" ] || { echo "$wrong" >&2 && exit 1; }
