# The listener of lesson 10 accepts here, too, and a client has the outbox of
# lesson 17.
LESSON_SRC_18 += lessons/10-echo/listener.c lessons/17-feed/outbox.c
