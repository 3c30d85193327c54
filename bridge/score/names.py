"""Names of notes: `C4` is middle C, MIDI note 60; drums by General MIDI's percussion map."""

from __future__ import annotations

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_PITCH_CLASSES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
#: Keys with flats in their signature; in all others black keys are written as sharps.
FLAT_KEYS = frozenset(
    {*(f"{tonic} major" for tonic in ("F", "Bb", "Eb", "Ab", "Db", "Gb")),
     *(f"{tonic} minor" for tonic in ("D", "G", "C", "F", "Bb", "Eb"))}
)  # fmt: skip
#: General MIDI level 1, percussion key map, with short names.
DRUMS: dict[int, str] = {
    35: "Kick 2", 36: "Kick", 37: "Side stick", 38: "Snare", 39: "Clap", 40: "Snare 2", 41: "Low tom 2",
    42: "Hi-hat", 43: "Low tom", 44: "Pedal hat", 45: "Mid tom 2", 46: "Open hat", 47: "Mid tom", 48: "High tom 2",
    49: "Crash", 50: "High tom", 51: "Ride", 52: "China", 53: "Ride bell", 54: "Tambourine", 55: "Splash",
    56: "Cowbell", 57: "Crash 2", 58: "Vibraslap", 59: "Ride 2",
}  # fmt: skip


def note_name(pitch: int, key: str = "") -> str:
    """`60` → `C4`; black keys are spelled according to the key (`Bb major`)."""
    classes = FLAT_PITCH_CLASSES if key in FLAT_KEYS else PITCH_CLASSES
    return f"{classes[pitch % 12]}{pitch // 12 - 1}"


def drum_name(pitch: int) -> str:
    """`36` → `Kick`"""
    return DRUMS.get(pitch, f"Key {pitch}")
