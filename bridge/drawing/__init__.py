"""Notes drawn with the characters of a terminal: a piano roll, with drum lanes, bars and chords."""
