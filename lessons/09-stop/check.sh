# One Ctrl-C is patient, two are not.
about='The first Ctrl-C ended nothing: it made a note, and the run ended by itself
when nothing was pending. The second one did not wait for that. Servers do the
same: the first signal lets sessions come to their end, the second one is for
somebody in a hurry.'

open_shack() {
  start "$1"
  await 'the shack is open' 'the shack does not open.'
}

patient_way='[{*} s] closing after this slushie
[ 5 s] ding
[ 5 s] done'

# The first one while a slushie is in the making.
patient() {
  open_shack "$1"
  signal INT
  again="$again, and Ctrl-C"
  read_again 'The idea' 'The patient way is to cancel what is pending'
  await 'closing after this slushie|done' \
    'at the first Ctrl-C it does not say that it is closing.'
  seen 'closing after' ||
    wrong 'the first Ctrl-C stops it at once.' "$patient_way"
  await 'ding|done' 'no ding came after the first Ctrl-C.'
  seen 'ding' || wrong 'the slushie in the blender was not made: the first Ctrl-C
    has stopped everything.' "$patient_way"
  read_again 'The idea' 'each handler still runs, with `UV_ECANCELED`, and `ax_run`
returns as in lesson 1, because no work is left'
  often=2 await 'ding|done' 'it does not end after the last slushie: something is still
    pending.' "$patient_way"
  [ "$(times ding)" = 1 ] ||
    wrong 'another slushie was made after the first Ctrl-C.' "$patient_way"
  finish 'it does not end after the last slushie.' "$patient_way"
  in_order 'open' 'closing after' 'ding' 'done' ||
    wrong 'it printed something else.' "$patient_way"
}

impatient_way='[{*} s] closing after this slushie
[{*} s] closing at once
[{*} s] done'

# Two of them, long before the slushie is done.
impatient() {
  open_shack "$1"
  signal INT
  await 'closing after' 'at the first Ctrl-C it does not say that it is closing.'
  signal INT
  again="$again, and Ctrl-C twice"
  read_again 'What breaks' 'It reports the first Ctrl-C, and no further one,
because nobody waits for it and it has lost its usual effect.'
  await 'closing at once|ding|done' 'the second Ctrl-C did nothing.'
  seen 'closing at once' || wrong 'nobody hears the second Ctrl-C.' \
    "$impatient_way"
  read_again 'The idea' 'Every butler returns from `ax_run` after the handler that
he runs, and pending operations stay pending.'
  finish 'it does not end at the second Ctrl-C.' "$impatient_way"
  ! seen ding || wrong 'it still waited for the slushie at the second Ctrl-C.' \
    "$impatient_way"
}

# Two slushies, when nobody says anything.
open_all_day() {
  open_shack "$1"
  read_again 'The question' 'A server always has work left'
  often=2 await 'ding' 'no second slushie was made, and nobody had pressed
    Ctrl-C.'
  signal INT
  finish 'it does not end when Ctrl-C comes after some slushies.' \
    "$patient_way"
}

SPEED=5
patient address
SPEED=20
open_all_day thread
SPEED=1
impatient address
