"""A guest on the irc package of Python.
    guest.py HOST PORT
"""
import sys

import irc.bot


class Guest(irc.bot.SingleServerIRCBot):
    def __init__(self, host, port):
        backoff = getattr(irc.bot, "ExponentialBackoff", None)
        again = {"reconnection_interval": 1}  # before version 16
        if backoff:
            again = {"recon": backoff(min_interval=1, max_interval=1)}
        super().__init__([(host, port)], "guest", "A guest", **again)

    def on_welcome(self, connection, event):
        connection.join("#beach")

    def on_kick(self, connection, event):
        print(event.arguments[1], flush=True)
        connection.join("#beach")

    def on_pubmsg(self, connection, event):
        print(event.arguments[0], flush=True)
        word, _, rest = event.arguments[0].partition(" ")
        if word == "!say":
            connection.privmsg(event.target, rest)
        elif word == "!nick":
            connection.nick(rest)


Guest(sys.argv[1], int(sys.argv[2])).start()
