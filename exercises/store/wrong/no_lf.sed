# Says: a value without LF behind it.
s/^  if \(e->value\[e->n\] != '\\n'\)/  if (false)/
