# Its test compares its system calls with those of lesson 7.
LESSON_RUNS_8 = 7
