# Says: Ann hears
s/channel_hear\(channel, NULL,/channel_hear(channel, user,/
