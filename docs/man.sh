#!/bin/sh
# man.sh N README PROGRAM: a manual page of a server lesson, as Markdown, from
# what --help prints and from what its README says about running it. Where a
# man.md is beside the README, its sections are part of the page.

n=$1 readme=$2 program=$3
more=$(cat "$(dirname "$readme")/man.md" 2>/dev/null)
signals='SIGINT, SIGTERM, SIGHUP and SIGQUIT end it; a second one ends it at once.'
case $more in *'# SIGNALS'*) signals='What signals do is told below.' ;; esac
help=$($program --help) || exit
title=$(sed -n '1s/.*: //p' "$readme")

cat <<EOM
# NAME

lesson$n - $title

# SYNOPSIS

**lesson$n**$(echo "$help" | sed -n '1s/usage: [^ ]*//p' | sed 's/[][|]/\\&/g')

# DESCRIPTION

$(echo "$help" | sed '1d;/^  /d')

It prints \`listening on ENDPOINT\` on a line of its own for each endpoint when
it accepts there, with the real port where 0 was asked for. $signals How it works
is told in \`$readme\`.

# OPTIONS

$(echo "$help" | awk -F ': ' '/^  / {
  term = substr($1, 3)
  gsub(/\|/, "\\|", term)
  print "**" term "**\n\n:   " substr($0, length($1) + 3) "\n"
}')

**--help**

:   tells all this in short

# ENVIRONMENT

**AX_TRACE**

:   a file to which the run is written, for Perfetto: AX_TRACE=run.json

**LESSON_SPEED**

:   how many times faster the seconds of a lesson pass

$more

# EXIT STATUS

0 when it was asked to end, 1 when it cannot listen or has no memory or threads
left, 2 when the command line is wrong.

# EXAMPLES

$(awk '/^## Run it/ { on = 1; next } /^## / { on = 0 } on' "$readme")
EOM
