"""Datagrams on their way: the sockets, how many of each sender are read, and in whose turn answers go out."""
