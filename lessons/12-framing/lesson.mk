# The listener of lesson 10 accepts here, too.
LESSON_SRC_12 += lessons/10-echo/listener.c
EXERCISE_SRC_12 = lessons/10-echo/listener.c
CHECK_SRC_12 = tests/exercises/visit.c
