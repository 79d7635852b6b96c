# What is kept and for how long, and what strangers say to it.
about='The table has a strand, and in ours each session has one. A command goes
there and its result comes home. An entry never changes: it is replaced, so neither
an alarm that comes too late nor a slow reader meets the wrong one.

How much memory can strangers take? --keys values of 1 MiB, and one more for each
session, since memory is taken when a length is known, and not when its bytes have
come: 100,000 keys are 100 GiB. The store should say stop, by a bound of bytes
instead of keys, before it takes an entry; and the listener, by a number of
sessions, in all and of one address, as in lesson 20.'

play_scenes
