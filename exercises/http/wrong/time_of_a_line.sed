# Says: The time is that of the whole request
s/ax_time left = s->deadline > moment \? s->deadline - moment : 1;/ax_time left = s->site->limit + (moment \& 1);/
