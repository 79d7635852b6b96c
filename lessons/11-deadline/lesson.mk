# The listener of lesson 10 accepts here, too.
LESSON_SRC_11 += lessons/10-echo/listener.c

# So does that of the exercise.
EXERCISE_SRC_11 = lessons/10-echo/listener.c
CHECK_SRC_11 = tests/exercises/visit.c
