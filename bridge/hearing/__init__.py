"""Hearing stems and notes on the machine's own output: `python -m bridge.hearing`, a process of its own.

It is loaded with the first sound that somebody asks for (docs/decisions/0215-miniaudio.md), and ends some time after
the last. Only `client` and `messages` are for the main process: the others load numpy.
"""
