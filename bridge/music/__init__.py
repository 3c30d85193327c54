"""Tempo, key, scale and grid of a clip and its notes, as pure functions without model weights.

Only `tempo` and the modules it uses (`onsets`, `pulse`, …) load numpy; the main process may import the others.
"""
