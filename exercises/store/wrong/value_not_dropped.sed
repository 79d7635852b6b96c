# Says: A wrong SET with a good length is followed by a value all the same.
s/^  else if \(value >= 0\)/  else if (value >= 0 \&\& !s->wrong)/
