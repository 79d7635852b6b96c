# The server of lesson 16 listens here, too, and a client has the outbox of
# lesson 17.
LESSON_SRC_18 += lessons/16-chat/server.c lessons/17-feed/outbox.c
