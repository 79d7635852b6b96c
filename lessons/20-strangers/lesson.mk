# All of lesson 19 but its main, and what that is built with.
LESSON_SRC_20 += $(filter-out %/main.c %/client.c,$(sort $(wildcard \
  lessons/19-irc/*.c))) $(LESSON_SRC_19)
