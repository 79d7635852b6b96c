# Says: was taken for a line of its own
s/s->too_long = true;//
