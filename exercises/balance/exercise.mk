EXERCISE_SRC_-balance = lessons/12-framing/linger.c lessons/13-proxy/relay.c
CHECK_SRC_-balance = exercises/peer.c exercises/scenes.c exercises/server.c
