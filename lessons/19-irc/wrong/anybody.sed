# Says: Not yet: cid hears
s/!member_of\(channel, user\)/false/
