# Says: Johnny did not get both
s/^  ax_timer_wait\(tea.*//
