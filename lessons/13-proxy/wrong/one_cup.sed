# Says: the songs are mixed
s/AX_BUF\(w->cup\)/AX_BUF(w->relay->there.cup)/
s/ax_cbuffer\(w->cup, n\)/ax_cbuffer(w->relay->there.cup, n)/
