# Says: each line in time is not enough
s/ax_time left = s->deadline > moment \? s->deadline - moment : 1;/ax_time left = s->site->limit + (moment \& 1);/
