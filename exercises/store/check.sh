# What is kept and for how long, and what strangers say to it.
about='The table has a strand, and each session has one. A command goes there and
its result comes home. An entry never changes: it is replaced, so neither an alarm
that comes too late nor a slow reader meets the wrong one.'

play_scenes
