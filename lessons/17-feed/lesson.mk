# The listener of lesson 10 accepts here, too, and who made a mistake is shown
# out as in lesson 12.
LESSON_SRC_17 += lessons/10-echo/listener.c lessons/12-framing/linger.c
EXERCISE_SRC_17 = $(LESSON_SRC_17) $(addprefix lessons/17-feed/,chunk.c \
  outbox.c watch.c)
CHECK_SRC_17 = tests/exercises/visit.c
