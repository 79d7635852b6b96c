# Clients before it, and backends behind it that come, go and die.
about='A choice that all share is made on one strand, and its result comes home to
the strand of the session. From there on it is a proxy: two circles, and an end
that is passed on. What failed is tried again, elsewhere now and here later.'

play_scenes
