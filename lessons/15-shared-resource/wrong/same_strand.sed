# Says: two resources on one strand wait for each other
s/to_photographer = ax_strand_new\(aside\);/to_photographer = ax_ref(to_teller);/
