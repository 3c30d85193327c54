"""Music of our own with known stems, notes and tempo, written down or drawn from a seed."""
