EXERCISE_SRC_-store = lessons/10-echo/listener.c lessons/12-framing/linger.c
CHECK_SRC_-store = exercises/peer.c exercises/scenes.c exercises/server.c
