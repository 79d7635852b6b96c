# Says: A connect that takes longer than two lesson seconds has failed.
s/ax_within\(v->choice.pool->patience,/(/
