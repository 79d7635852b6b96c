# CPython, to be embedded: pkg-config knows it, whatever python3 is on PATH. The
# listener of lesson 10 accepts here, too; echo and goodbye are lesson 12's.
LESSON_SRC_15 += lessons/10-echo/listener.c lessons/12-framing/session.c \
                 lessons/12-framing/length.c lessons/12-framing/linger.c
LESSON_PKG_15 = python3-embed
VERSION_python3-embed = 3.10
LESSON_DEPS_15 = pkg=python3-embed=3.10,apt=python3-dev,dnf=python3-devel,brew=python3,pacman=python
# It is compared with the framing server, which it grows from.
BEFORE_15 = 12
