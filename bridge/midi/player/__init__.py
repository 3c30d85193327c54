"""The player's process: its loop, the active playbacks, and the notes that a killed player left sounding."""
