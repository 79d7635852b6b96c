# All of lesson 19 but its main, and what that is built with.
own_of = $(filter-out %/main.c %/client.c %/exercise.c %/check.c,$(sort \
  $(wildcard $1/*.c)))
LESSON_SRC_20 += $(call own_of,lessons/19-irc) $(LESSON_SRC_19)

# The exercise has that, and all of this lesson but its main.
EXERCISE_SRC_20 = $(LESSON_SRC_20) $(call own_of,lessons/20-strangers)
CHECK_SRC_20 = tests/exercises/visit.c tests/exercises/irc.c
