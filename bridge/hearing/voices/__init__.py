"""What is heard together: a voice for each track, which can be read at any place.

Each has `frames`, its length at the output's rate, and `read(start, stop)`, stereo samples.
"""
