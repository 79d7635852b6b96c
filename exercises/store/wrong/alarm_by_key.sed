# Says: A cancel may come too late.
s/^  if \(!err && e->in\)/  if (!err \&\& *find(e->store, e->key, e->key_n))/
