# Says: Dad never began
s/^  ax_timer_wait\(dad.*//
