# The listener of lesson 10 accepts here, too.
LESSON_SRC_11 += lessons/10-echo/listener.c
