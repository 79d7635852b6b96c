# Says: A FIFO makes `open` wait
s/O_RDONLY \| O_NONBLOCK \|/O_RDONLY |/
