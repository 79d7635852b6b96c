# The listener of lesson 10 accepts here, too; who is shown out is shown out as
# in lesson 12; a client has the outbox of lesson 17.
LESSON_SRC_19 += lessons/10-echo/listener.c lessons/12-framing/linger.c \
  lessons/17-feed/chunk.c lessons/17-feed/outbox.c lessons/17-feed/watch.c
# Its exercise has all of it but main; a check speaks IRC.
EXERCISE_SRC_19 = $(LESSON_SRC_19) $(filter-out %/main.c %/client.c \
  %/exercise.c %/check.c,$(sort $(wildcard lessons/19-irc/*.c)))
CHECK_SRC_19 = tests/exercises/visit.c tests/exercises/irc.c
