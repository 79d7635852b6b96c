# The exercise accepts with the listener of lesson 10.
EXERCISE_SRC_16 = lessons/10-echo/listener.c
CHECK_SRC_16 = tests/exercises/visit.c
