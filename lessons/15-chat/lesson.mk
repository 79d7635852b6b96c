# The listener of lesson 10 accepts here, too, and a client has the outbox of
# lesson 14.
LESSON_SRC_15 += lessons/10-echo/listener.c lessons/14-feed/outbox.c
