# Says: A SET takes the place of an older one, and of its time.
s/^  if \(!err && e->in\)/  if (!err \&\& *find(e->store, e->key, e->key_n))/
s/^    ax_timer_cancel\(e->timer\);/    e->in = false;/
