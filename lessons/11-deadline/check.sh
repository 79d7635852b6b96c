# A limit for the whole session: who talks for ever, who says nothing, who leaves
# early, who is late for both limits, and many at once.
. tests/exercises/visit.sh
about='Two circles, one strand, and a flag. ax_within is for one operation; what spans several of them, like a log-in or a whole session, has an alarm of its own.'

serve address --idle 1000 --most 8 "$tmp/talk.sock"
read_again 'The code' 'The alarm by hand is for what spans several operations, such as ten seconds for a whole log-in, and for work that the core knows nothing of.'
scene talks "$SPEED"
logged 'its time is over' 'who has been here for too long was closed, and the server does not say that "its time is over".'
read_again 'The idea' 'It goes when both circles have had their last handler.'
soon 'alive: 0' 'the server has closed a session, and it is still alive.'
end_server

serve address --idle 2 --most 2000 "$tmp/idle.sock"
read_again 'The idea' 'Or the alarm rings, and Dad calls the Shack: never mind the slushie.'
scene silent "$SPEED"
logged 'it was idle for too long' 'who was silent for too long was closed, and the server does not say why.'
read_again 'The code' 'Whoever ends it stops the other circle as well:'
soon 'alive: 0' 'a silent client was sent away, and its session waits for its timer.' 1
scene leaves
soon 'alive: 0' 'a client has left, and its session waits for its timer.' 2
end_server

# Both limits have passed when the server looks.
both_at_once() {
  serve address --idle 9 --most 10 "$tmp/both.sock"
  read_again 'The idea' 'The family decides: whoever comes first writes it down, and the second one looks there.'
  scene both-at-once "$SPEED" "$(server_pid)"
  soon 'alive: 0' 'the server has closed a session, and it is still alive.'
  [ "$(grep -c closed "$err")" = 1 ] ||
    wrong 'one session was closed, and the server says why more than once, or never. Both circles ended in the same moment, and each of their handlers has to look who was first.'
  end_server
}
both_at_once

serve thread --butlers 2 --idle 4 --most 8 "$tmp/many.sock"
read_again 'The idea' 'On two butlers without a strand they could both look before one of them writes.'
scene crowd "$SPEED"
soon 'alive: 0' 'all have gone, and a session is still alive.'
end_server
