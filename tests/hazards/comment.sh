# comment.sh: what a hazard says of itself, for the scripts of this folder.
#
# A hazard's first comment begins with one sentence that says what is wrong, and
# may go on. Then come lines that say how that is shown, one or more of each:
#
#   Prints: TEXT     the plain program prints a line with TEXT, exit status 0
#   Signal: ALRM     a signal ends the plain program: PIPE, ABRT, or ALRM, when
#                    it hangs and has called alarm(1)
#   Address: TEXT    a line of the address sanitizer's report, or of the leak or
#                    undefined behaviour sanitizer's, has TEXT
#   Thread: TEXT     likewise the thread sanitizer's
#   Seed: TEXT       some seed leads to a line with TEXT, or to such a report
#   Fixed: LINE      the whole output of the twin, HAZARD_fixed.c, a line each
#   Uses: FILE...    sources beside its own (hazards.mk)
#
# With ", in FUNCTION" at the end of a sanitizer's TEXT, or of a report's under
# a seed, that function of the hazard's own file must stand in a frame. In TEXT
# and LINE {*} is anything and {2..5} a number between the two, also included.
# The twin must be clean under each tool that the hazard names, and with seeds
# go one way only.

comment() {
  sed -n '1,/\*\//p' "$1" | sed 's, *\*/$,,; s,^/\* ,,; s,^ \*,,; s,^ ,,'
}

# said HAZARD KEY: what stands behind that key, a line each.
said() { comment "$1" | sed -n "s/^$2: //p"; }

# What is left are the words for people, whose last lines may be empty.
words() { comment "$1" | awk '/^[A-Z][a-z]*: / { next } { text = text $0 "\n" }
  /./ { whole = text } END { printf "%s", whole }'; }

verdicts() {
  comment "$1" |
    sed -n 's/^\(Prints\|Signal\|Address\|Thread\|Seed\): .*/\1/p' | sort -u
}

# The tools among them that this machine has.
tools() { verdicts "$1" | grep -v -x -e "${LACKS:-none}"; }

twin() { echo "${1%.c}_fixed.c"; }
lower() { tr '[:upper:]' '[:lower:]' <<<"$1"; }
indented() { sed 's/^/    /'; }

# program SOURCE TOOL: where it is built for that tool.
program() {
  case $2 in
  Prints | Signal) echo "$ROOT/hazards/${1%.c}" ;;
  Seed) echo "$ROOT/sim/hazards/${1%.c}" ;;
  *) echo "$ROOT/$(lower "$2")/hazards/${1%.c}" ;;
  esac
}

# lines TEXT: those of the input that have it in them. same LINES: is the input
# just these?
lines() { TEXT=$1 awk -v mode=part -f "$here/match.awk"; }
same() { TEXT=$1 awk -v mode=whole -f "$here/match.awk"; }

# Of a verdict "TEXT, in FUNCTION".
function_of() { sed -n 's/.*, in \([a-z_0-9]*\)$/\1/p' <<<"$1"; }
text_of() { sed 's/, in [a-z_0-9]*$//' <<<"$1"; }

# frames SOURCE FUNCTION: the lines of a report, on the input, where it stands.
frames() {
  grep -E -e "^ *#[0-9]+ (0x[0-9a-f]+ in )?$2 .*$(basename "$1"):[0-9]+" \
    -e "^ *([a-z].* )?$2 \($(basename "$1"):[0-9]+\)"
}
