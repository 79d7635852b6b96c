# What the learner's server may use, and the clients that check it.
EXERCISE_SRC_-http = lessons/10-echo/listener.c lessons/12-framing/linger.c
CHECK_SRC_-http = exercises/peer.c exercises/scenes.c exercises/server.c
