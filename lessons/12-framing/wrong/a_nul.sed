# Says: A NUL was sent as well
s/ax_cstring\("too long\\n"\)/AX_CBUF("too long\\n")/
