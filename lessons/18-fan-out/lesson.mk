# The server of lesson 16 accepts here, too. A client has the outbox of lesson
# 17, and who made a mistake is shown out as in lesson 12.
LESSON_SRC_18 += lessons/12-framing/linger.c lessons/16-chat/server.c \
  lessons/17-feed/chunk.c lessons/17-feed/outbox.c lessons/17-feed/watch.c

# The demo and its test measure lesson 16 beside it.
LESSON_RUNS_18 = 16

# The exercise accepts with the listener of lesson 10.
EXERCISE_SRC_18 = lessons/10-echo/listener.c
CHECK_SRC_18 = tests/exercises/visit.c
