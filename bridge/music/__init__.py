"""What musicians ask of a clip and its notes – tempo, key, scale, grid – as pure functions without weights.

Only `tempo` and what it stands on (`onsets`, `pulse`) load numpy; the rest may be imported by the main process.
"""
