# Says: was not forgotten at its end
s/s->too_long = false;//
