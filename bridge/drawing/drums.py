"""The names of percussion keys, for the lanes of a roll."""

from __future__ import annotations

#: General MIDI's percussion keys, shortened to the margin's width.
_NAMES = {
    35: "Kick2", 36: "Kick", 37: "Stick", 38: "Snare", 39: "Clap", 40: "Snar2", 41: "Tom1", 42: "Hat", 43: "Tom2",
    44: "Pedal", 45: "Tom3", 46: "Open", 47: "Tom4", 48: "Tom5", 49: "Crash", 50: "Tom6", 51: "Ride", 52: "China",
    53: "Bell", 54: "Tamb", 55: "Splsh", 56: "Cowbl", 57: "Crsh2", 59: "Ride2",
}  # fmt: skip


def lane_name(key: int) -> str:
    """The name of a percussion key in at most five letters; its number if it has none."""
    return _NAMES.get(key, str(key))
