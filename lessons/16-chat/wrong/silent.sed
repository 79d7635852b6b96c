# Says: A packet is missing, and nothing was said of it there.
s/if \(c->lost > 0\)/if (c->lost < 0)/
