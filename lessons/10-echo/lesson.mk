# The exercise accepts with the same listener.
EXERCISE_SRC_10 = lessons/10-echo/listener.c
CHECK_SRC_10 = tests/exercises/visit.c
