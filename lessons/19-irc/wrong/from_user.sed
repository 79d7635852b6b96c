# Says: ann hears ":ann!ann@localhost NOTICE #beach
s/channel_hear\(channel, NULL,/channel_hear(channel, user,/
