"""Names of pitch classes as a key spells them, by the line of fifths."""

from __future__ import annotations

#: From F on upwards by fifths; C is 0.
STEPS = ("F", "C", "G", "D", "A", "E", "B")
SIGNS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
#: How far below its signature a key is spelled, in fifths: C major from Ab to C#, A minor from Eb to G#.
REACH_BELOW = {"major": 4, "minor": 3}


def key_fifths(key: str) -> int:
    """Sharps of a key's signature, flats negative: `Bb major` → -2, `A minor` → 0; 0 for an unknown key."""
    tonic, _, mode = key.partition(" ")
    if not tonic:
        return 0
    signature = STEPS.index(tonic[0]) - 1 + 7 * (tonic.count("#") - tonic.count("b")) - (3 if mode == "minor" else 0)
    return signature if abs(signature) <= 7 else signature - 12 * (1 if signature > 0 else -1)


def spelled(pitch_class: int, key: str = "") -> tuple[str, int]:
    """The letter and the alteration in semitones of a pitch class (0–11, from C): 10 → B, -1 in Bb major."""
    lowest = key_fifths(key) - REACH_BELOW["minor" if key.endswith("minor") else "major"]
    fifths = lowest + (7 * pitch_class - lowest) % 12
    return STEPS[(fifths + 1) % 7], (fifths + 1) // 7


def root_spelled(pitch_class: int, key: str = "") -> tuple[str, int]:
    """A chord's root: as `spelled`, but never with two accidentals; nobody reads Bbbm for Am."""
    step, alteration = spelled(pitch_class, key)
    return (step, alteration) if abs(alteration) < 2 else spelled(pitch_class)


def root_name(pitch_class: int, key: str = "") -> str:
    """`Bb`, `F#`."""
    step, alteration = root_spelled(pitch_class, key)
    return step + SIGNS[alteration]
