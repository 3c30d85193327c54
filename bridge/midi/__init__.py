"""Notes out of the bridge and into a DAW: virtual ports, and a process of its own that keeps the time.

`schedule` is pure; `output` opens the ports; `player` runs in the process `python -m bridge.midi`; `client` is what
the main process holds of it, and `messages` is what the two say to each other.
"""
