# Says: this JOIN is too many
s/bucket_of\(user->host, now\)/bucket_of(user->nick, now)/
