"""What the server of lesson 15 can be told to serve, by --app FILE:FUNCTION.

A function gets the bytes of a request and returns the bytes of the answer.
"""

import time


def slow(request):
    """Computes for 50 ms, for which it needs Python's lock."""
    end = time.thread_time() + 0.050
    while time.thread_time() < end:
        pass
    return request.upper()


def nap(request):
    """Waits for 50 ms, as for a database; the lock is free meanwhile."""
    time.sleep(0.050)
    return request.upper()


def shout(request):
    """Answers at once."""
    return request.upper()


# The rest is wrong in one way each.


def ponder(request):
    """Never comes to an end."""
    while True:
        pass


def refuse(request):
    raise ValueError("no more ice")


def count(request):
    return len(request)


def flood(request):
    return b"ice" * 30000
