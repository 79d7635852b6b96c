# Says: a backend that is down is asked every --check seconds
s/^  if \(err \|\| b->pool->closing\)/  if (err || !b->up || b->pool->closing)/
