# Says: Not yet: Dan hears
s/if \(c->lost > 0\)/if (c->lost < 0)/
