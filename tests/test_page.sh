#!/bin/sh
# test_page.sh: is what `make traceN` puts on a page what the trace has? Without
# a browser: docs/trace/test_page.mjs is the test with one.
wrong=0
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit

complain() {
  printf '%s\n' "$*"
  wrong=1
}

# is FILE TEXT: the short form of FILE.
is() {
  awk -f docs/trace/compact.awk "$1" >"$work/short"
  printf '%s\n' "$2" | diff - "$work/short" || complain "$1 becomes something else"
}

cat >"$work/one.json" <<'END'
[
{"ph":"M","pid":1,"name":"process_name","args":{"name":"proactor"}},
{"ph":"M","pid":1,"tid":1,"ts":0.030,"name":"thread_name","args":{"name":"main"}},
{"ph":"s","pid":1,"tid":1,"ts":1.500,"name":"on_answer","cat":"flow","id":7},
{"ph":"X","pid":1,"tid":1,"ts":1.500,"name":"initiate","cat":"initiate","dur":14.357},
{"ph":"i","pid":1,"tid":1,"ts":3.000,"name":"on_answer","s":"t","cat":"ready","args":{"op":7,"on":"strand 1","part":"work"}},
{"ph":"t","pid":1,"tid":2,"ts":4.001,"name":"on_answer","bp":"e","cat":"flow","id":7},
{"ph":"i","pid":1,"tid":2,"ts":5.000,"name":"a \u0022b\u0022 <\/script>","s":"t","cat":"mark"},
{"ph":"X","pid":1,"tid":2,"ts":4.001,"name":"on_answer","cat":"handler","dur":2.250,"args":{"op":7,"by":0,"on":"strand 1","part":"work","err":-125,"n":3}},
{"ph":"X","pid":1,"tid":1,"ts":2.000,"name":"poll","cat":"poll","dur":4.000}
]
END
is "$work/one.json" 'n main
M 1 0
n on_answer
s 1 1500 1 7
n strand 1
n work
r 1500 0 2 3
n a \u0022b\u0022 \u003c\/script>
i 2 2000 4
h 2 -999 2250 1 0 0 2 3 -125 3
n poll
p 1 -2001 4000 5'

# Killed in a handler, in the middle of a line.
sed '6q' "$work/one.json" >"$work/cut.json"
printf '%s' '{"ph":"f","pid":1,"tid":2,"ts":4.0' >>"$work/cut.json"
awk -f docs/trace/compact.awk "$work/cut.json" | grep -q '^f' &&
  complain 'half a line is one too many'
sed '/"cat":"handler"/d' "$work/one.json" >"$work/open.json"
awk -f docs/trace/compact.awk "$work/open.json" | grep -q '^f 2 2001 7$' ||
  complain 'a handler that has not returned is lost'

# The page: nothing from elsewhere, its runs whole, its title harmless.
sh docs/trace/pages.sh "$work/one.html" 'a <b> & "c"' on_answer "$work/one.json" ||
  complain "status $?"
grep -nE '(src|href)="?(https?:)?//|@import|url\((https?:)?//' "$work/one.html" &&
  complain 'it needs the network'
[ "$(grep -c '<script' "$work/one.html")" = "$(grep -c '</script>' "$work/one.html")" ] ||
  complain 'a script has no end'
grep -q '<h1>a &lt;b> &amp; &quot;c&quot;: what happened</h1>' "$work/one.html" ||
  complain 'its title is not the title'
grep -q "SHARED = 'on_answer'" "$work/one.html" || complain 'what is shared is lost'
[ "$(wc -c <"$work/one.html")" -lt 80000 ] || complain 'it is too large'
sh docs/trace/pages.sh "$work/none.html" none '' "$work/none.json" 2>"$work/err" &&
  complain 'a page of no trace'
grep -q 'none.json: there is no trace' "$work/err" || complain 'it does not say why'
[ ! -e "$work/none.html" ] || complain 'a page is left where there is no trace'
[ $wrong != 0 ] || echo 'pages: what the trace has'
exit $wrong
