# A piece of a trace, for the picture of a server's run, which depends on clients
# and on real time: awk -v from=20 -v to=30 -f cut.awk TRACE.json
#
# Keeps what happened from the end of handler `from`, counted from 1 on in the
# order in which they end, to the end of handler `to`; and names of threads.
NR == 1 || /^\]/ { next }
!/},?$/ { next }
/"name":"thread_name"/ || (ended >= from && ended < to) {
  sub(/,$/, "")
  kept[++count] = $0
}
/"cat":"handler"/ { ended++ }
END {
  print "["
  for (i = 1; i <= count; i++)
    print kept[i] (i < count ? "," : "")
  print "]"
}
