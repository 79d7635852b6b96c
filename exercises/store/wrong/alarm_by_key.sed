# Says: A SET replaces the older value and its time.
s/^  if \(!err && e->in\)/  if (!err \&\& *find(e->store, e->key, e->key_n))/
s/^    ax_timer_cancel\(e->timer\);/    e->in = false;/
