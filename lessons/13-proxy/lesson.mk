# Who is closed while it still talks gets the goodbye of lesson 12.
LESSON_SRC_13 += lessons/12-framing/linger.c
