# Says: Ann hears nothing for 5 seconds
s/if \(!err && !s->last\)/if (!err)/
