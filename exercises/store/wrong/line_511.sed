# Says: lines that are long, and too long
s/LINE_BYTES = 512/LINE_BYTES = 511/
