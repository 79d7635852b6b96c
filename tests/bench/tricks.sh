#!/bin/bash
# tricks.sh [NAME]: what does each trick of the core buy?
#
# A patch in tests/bench/tricks takes one trick out. Its head has the name of the
# trick in words and the cases of the bench that show it: "Case: micro-ping1".
# Each is applied to a copy of the project, which is built; then the core, the
# core without the trick and the plain scheduler take turns in these cases. The
# table says how much more each case costs without the trick.
set -u
cd "$(dirname "$0")/../.." || exit
copies=build/tricks
mkdir -p $copies
: >$copies/cases.txt

# The server or program of a case, in a build that is named later.
command_of() {
  local one=${1#micro-}
  case $1 in
  micro-*-live) echo "env LIVE=1 BUILD/bench/micro ${one%-live}" ;;
  micro-*) echo "BUILD/bench/micro $one" ;;
  *x2) echo "BUILD/bin/lesson10 --butlers 2" ;;
  *) echo "BUILD/bin/lesson10" ;;
  esac
}

# case_line CASE NAME: as run_bench.sh wants it.
case_line() {
  local command kind=program load= clients
  command=$(command_of "$1")
  if [[ $1 == echo-* ]]; then
    kind=${1#echo-} kind=${kind%%-*} clients=${1##*-}
    load="echo --clients ${clients%x2}"
  fi
  echo "$1-$2 | $kind | $load | core=${command/BUILD/build}" \
    "| without=${command/BUILD/$copies/$2/build}" \
    "| plain=${command/BUILD/build/plain}"
}

for patch in tests/bench/tricks/"${1:-}"*.patch; do
  name=$(basename "$patch" .patch)
  copy=$copies/$name
  rm -rf "$copy" && mkdir -p "$copy" &&
    cp -r Makefile common tests docs slides lessons "$copy" || exit
  (cd "$copy" && git apply --whitespace=nowarn "../../../$patch") || exit
  echo "building the core without $name" >&2
  env -u MAKELEVEL -u MAKEFLAGS make -C "$copy" -s bench-served || exit
  for case in $(sed -n 's/^Case: //p' "$patch"); do
    case_line "$case" "$name"
  done >>$copies/cases.txt
done

BENCH_CASES=$copies/cases.txt BENCH_OUT=$copies B=build \
  bash tests/bench/run_bench.sh >$copies/log.txt || exit

# A line for each trick and case: how much the core is worth without it.
awk '
  function median(key,   n, i, j, t, v) {
    n = split(seen[key], v, " ")
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
        t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
      }
    return v[int((n + 1) / 2)]
  }
  function times(name, peer,   key) {
    key = name ~ /^micro/ ? "rate" : "cpu_us"
    a = median(name " core " key); b = median(name " " peer " " key)
    return b ? sprintf("%.2f", key == "rate" ? a / b : b / a) : "-"
  }
  FILENAME ~ /patch$/ {
    if (FNR == 1) { n = FILENAME; sub(/.*\//, "", n); sub(/\.patch$/, "", n)
      order[++count] = n; text[n] = $0 }
    if (/^Case: /) cases[n] = substr($0, 7)
    next
  }
  { for (i = 3; i <= NF; i++) { split($i, kv, "=")
      k = substr($1, 6) " " substr($2, 6) " " kv[1]
      seen[k] = seen[k] " " kv[2] } }
  END {
    printf "%-40s %-20s %9s %9s\n", "without", "case", "costs x", "plain x"
    for (i = 1; i <= count; i++) {
      m = split(cases[order[i]], c, " ")
      for (j = 1; j <= m; j++)
        printf "%-40s %-20s %9s %9s\n", j == 1 ? text[order[i]] : "", c[j],
          times(c[j] "-" order[i], "without"), times(c[j] "-" order[i], "plain")
    }
  }' tests/bench/tricks/"${1:-}"*.patch $copies/results.txt |
  tee $copies/table.txt
