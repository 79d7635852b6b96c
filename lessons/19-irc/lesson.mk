# The listener of lesson 10 accepts here, too; who is shown out is shown out as
# in lesson 12; a client has the outbox of lesson 17.
LESSON_SRC_19 += lessons/10-echo/listener.c lessons/12-framing/linger.c \
  lessons/17-feed/chunk.c lessons/17-feed/outbox.c lessons/17-feed/watch.c
