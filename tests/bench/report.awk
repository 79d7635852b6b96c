# report.awk: tables, goals and JSON from the lines of run_bench.sh.
#
#     awk [-v only=CASE|about|summary] [-v as=json] -f report.awk GOALS RESULTS
#
# A ratio says how often a peer does the work for which another one needs its
# CPU time once (of a program: in the same time; of memory: in the same bytes).
# So larger is better, everywhere.

# ---------------------------------------------------------------- reading

FILENAME == ARGV[1] {
  if ($0 !~ /^#/ && NF > 4)
    goal[++goals] = $0
  next
}

$1 == "about" {
  for (i = 2; i <= NF; i++) {
    key = $i
    sub(/=.*/, "", key)
    about[key] = substr($i, length(key) + 2)
    gsub(/_/, " ", about[key])
    about_order[++abouts] = key
  }
  next
}

{
  name = substr($1, 6)
  peer = substr($2, 6)
  if (!(name in peers_of))
    case_order[++cases] = name
  if (!((name, peer) in runs))
    peer_order[name, ++peers_of[name]] = peer
  run = ++runs[name, peer]
  for (i = 3; i <= NF; i++) {
    split($i, kv, "=")
    seen[name, peer, kv[1]] = seen[name, peer, kv[1]] " " kv[2]
    line[name, peer, run] = line[name, peer, run] " " $i
    if (kv[1] == "wrong")
      wrong += kv[2]
    if (kv[1] == "disturbed") {
      watched++
      disturbed += kv[2] > 5
    }
  }
}

# ------------------------------------------------------------- calculating

function median(name, peer, key,   n, i, j, t, v) {
  n = split(seen[name, peer, key], v, " ")
  if (n == 0)
    return ""
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
      t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
    }
  return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
}

# The least of all runs.
function least(name, peer, key,   n, i, v, best) {
  n = split(seen[name, peer, key], v, " ")
  for (i = 1; i <= n; i++)
    if (best == "" || v[i] + 0 < best)
      best = v[i] + 0
  return best
}

# What a case is judged by; less is better, apart from a rate.
function measure_of(name) {
  if (name ~ /^micro-/) return "rate"
  if (name ~ /^idle-|-idle$/) return "bytes"
  if (name ~ /^build-/) return "seconds"
  return "cpu_us"
}

function ratio(name, peer, other,   key, a, b) {
  key = measure_of(name)
  a = median(name, peer, key)
  b = median(name, other, key)
  if (a == "" || b == "" || a == 0 || b == 0)
    return "-"
  return sprintf("%.2f", key == "rate" ? a / b : b / a)
}

# Fills value, limit and reached; false when it was not measured.
function judge(text,   g, n, factor, parts) {
  n = split(text, g, " ")
  value = median(g[1], g[2], g[3])
  factor = g[5]
  if (split(factor, parts, "/") == 2)
    factor = parts[1] / parts[2]
  limit = n < 6 ? factor : g[6] ~ /^best:/ ? \
    least(g[1], substr(g[6], 6), g[3]) : median(g[1], g[6], g[3])
  if (value == "" || limit == "" || limit == 0)
    return 0
  if (n > 5) {
    value = value / limit
    limit = factor
  }
  reached = g[4] == "<=" ? value <= limit + 0 : value >= limit + 0
  return 1
}

# ---------------------------------------------------------------- printing

function number(value, digits) {
  return value == "" ? "-" : sprintf("%." digits "f", value)
}

# The peer that all are compared with.
function other_of(name) { return name ~ /^irc-/ ? "ngircd" : "asio" }

function heading(name) {
  if (name ~ /^micro-/)
    return sprintf("%12s %8s %11s %11s", "per second", "x asio", \
                   "late p50 us", "late p99 us")
  if (name ~ /^idle-|-idle$/)
    return sprintf("%12s %8s", "bytes each", "x " other_of(name))
  if (name ~ /^build-/)
    return sprintf("%12s", "seconds")
  return sprintf("%8s %s %10s %8s %8s %5s", "CPU us", \
                 name ~ /^irc-/ ? "x ngircd" : " x asio x epoll", \
                 "per second", "p50 us", "p99 us", "load")
}

function ratios(name, peer) {
  if (name ~ /^irc-/)
    return sprintf("%8s", ratio(name, peer, "ngircd"))
  return sprintf("%7s %7s", ratio(name, peer, "asio"), \
                 ratio(name, peer, "epoll"))
}

function row(name, peer,   key) {
  key = measure_of(name)
  if (name ~ /^micro-/)
    return sprintf("%12.0f %8s %11s %11s", median(name, peer, key), \
                   ratio(name, peer, "asio"), \
                   number(median(name, peer, "late_p50_us"), 0), \
                   number(median(name, peer, "late_p99_us"), 0))
  if (name ~ /^idle-|-idle$/)
    return sprintf("%12.0f %8s", median(name, peer, key), \
                   ratio(name, peer, other_of(name)))
  if (name ~ /^build-/)
    return sprintf("%12.1f", median(name, peer, key))
  return sprintf("%8.3f %s %10.0f %8.1f %8.1f %4.0f%%", \
                 median(name, peer, key), ratios(name, peer), \
                 median(name, peer, "rate"), \
                 median(name, peer, "p50_us"), median(name, peer, "p99_us"), \
                 median(name, peer, "load_busy"))
}

function tell(text,   g, n, is) {
  n = split(text, g, " ")
  is = sprintf(n > 5 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
  if (g[5] ~ /^1\//)
    is = sprintf("1/%.2f", 1 / value)
  printf "  goal: %s of %s %s %s%s: %s%s\n", g[3], g[2], g[4], g[5], \
    (n > 5 ? " x " g[6] : ""), is, (reached ? "" : " MISSED")
}

function table(name,   i, peer) {
  printf "%-18s%s\n", name, heading(name)
  for (i = 1; i <= peers_of[name]; i++) {
    peer = peer_order[name, i]
    printf "  %-16s%s\n", peer, row(name, peer)
  }
  for (i = 1; i <= goals; i++)
    if (index(goal[i], name " ") == 1 && judge(goal[i]))
      tell(goal[i])
  print ""
}

function summary(   i, met, missed) {
  for (i = 1; i <= goals; i++)
    if (judge(goal[i])) {
      met += reached
      missed += !reached
    }
  printf "%d goals reached, %d missed;\n", met, missed
  printf "%d messages lost, doubled, reordered or corrupted;\n", wrong
  printf "%d of %d runs disturbed by other work\n", disturbed, watched
}

function introduction() {
  printf "%d x %s, %s\n", about["processors"], about["model"], about["kernel"]
  printf "libuv %s, Boost %s, ngircd %s\n", about["libuv"], about["boost"], \
    about["ngircd"]
  printf "%s, commit %s, medians of %d rounds of %s s\n\n", about["date"], \
    about["commit"], about["rounds"], about["run"]
}

# --------------------------------------------------------------------- JSON

function quoted(text) {
  gsub(/["\\]/, "\\\\&", text)
  return "\"" text "\""
}

function member(key, text) {
  return quoted(key) ": " \
    (text ~ /^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/ ? text : quoted(text))
}

function json_line(text,   i, n, f, kv, all) {
  n = split(text, f, " ")
  for (i = 1; i <= n; i++) {
    split(f[i], kv, "=")
    all = all (i > 1 ? ", " : "") member(kv[1], kv[2])
  }
  return "{" all "}"
}

function json_peer(name, peer,   i, all, n, f, kv, medians) {
  for (i = 1; i <= runs[name, peer]; i++)
    all = all (i > 1 ? ",\n      " : "") json_line(line[name, peer, i])
  n = split(line[name, peer, 1], f, " ")
  for (i = 2; i <= n; i++) {
    split(f[i], kv, "=")
    medians = medians (i > 2 ? ", " : "") \
      quoted(kv[1]) ": " sprintf("%.10g", median(name, peer, kv[1]))
  }
  return "    {" member("name", peer) ", \"median\": {" medians \
    "},\n     \"runs\": [" all "]}"
}

function json_case(name,   i, all) {
  for (i = 1; i <= peers_of[name]; i++)
    all = all (i > 1 ? ",\n" : "") json_peer(name, peer_order[name, i])
  return "  {" member("name", name) ", " member("measure", measure_of(name)) \
    ", \"peers\": [\n" all "]}"
}

function json_goals(   i, g, n, all) {
  for (i = 1; i <= goals; i++)
    if (judge(goal[i])) {
      n = split(goal[i], g, " ")
      all = all (all ? ",\n" : "") "  {" member("case", g[1]) ", " \
        member("peer", g[2]) ", " member("measure", g[3]) ", " \
        member("relation", g[4]) ", \"limit\": " sprintf("%.10g", limit) ", " \
        (n > 5 ? member("of", g[6]) ", " : "") \
        "\"value\": " sprintf("%.10g", value) ", \"reached\": " \
        (reached ? "true" : "false") "}"
    }
  return all
}

function json(   i) {
  printf "{\"about\": {"
  for (i = 1; i <= abouts; i++)
    printf "%s%s", (i > 1 ? ", " : ""), \
      member(about_order[i], about[about_order[i]])
  print "},\n\"cases\": ["
  for (i = 1; i <= cases; i++)
    print json_case(case_order[i]) (i < cases ? "," : "")
  print "],\n\"goals\": [\n" json_goals() "]}"
}

END {
  if (as == "json")
    json()
  else if (only == "about")
    introduction()
  else if (only == "summary")
    summary()
  else if (only in peers_of)
    table(only)
}
