# Says: A packet ends with a NUL
s/packet_new\(text, \(size_t\)size \+ 1\)/packet_new(text, (size_t)size)/
