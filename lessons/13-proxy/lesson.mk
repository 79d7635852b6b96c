# Who is closed while it still talks gets the goodbye of lesson 12.
LESSON_SRC_13 += lessons/12-framing/linger.c
EXERCISE_SRC_13 = lessons/10-echo/listener.c
CHECK_SRC_13 = tests/exercises/visit.c
