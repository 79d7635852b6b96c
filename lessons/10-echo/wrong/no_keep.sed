# Says: memory was used after it had been freed
s/ax_keep\(s, ax_call\(on_read, s\)\)/ax_call(on_read, s)/
