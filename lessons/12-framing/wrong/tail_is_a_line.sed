# Says: Ann hears "\n"
s/s->too_long = true;//
