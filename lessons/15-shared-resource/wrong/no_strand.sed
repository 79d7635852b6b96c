# Says: two guests met inside a tent
s/ax_run_on\(to_photographer, /ax_run_on(aside, /
