"""The player's process: its loop, what is playing, and what it leaves for the next one if it is killed."""
