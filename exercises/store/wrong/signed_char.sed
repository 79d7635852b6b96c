# Says: a byte of 128 and more is a negative one
s/\(unsigned char\)word.at\[i\] < ' '/(signed char)word.at[i] < ' '/
