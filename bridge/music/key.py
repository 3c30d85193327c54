"""Estimates the key of notes from the duration of each pitch class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from bridge.model import Note
from bridge.value import Value

Mode = Literal["major", "minor"]

#: Key profiles by semitones above the tonic: Krumhansl and Kessler's probe tone ratings, in C. L. Krumhansl, Cognitive
#: Foundations of Musical Pitch (1990), p. 30.
PROFILES: dict[Mode, tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
#: The usual spelling of each tonic, from C up.
TONICS: dict[Mode, tuple[str, ...]] = {
    "major": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
#: Fewer pitch classes fit too many keys.
MIN_CLASSES = 3
#: A longer note counts as one of this length.
LONGEST_SECONDS = 2.0


class KeyEstimate(Value, frozen=True, kw_only=True):
    """The key that fits best, and its margin."""

    tonic: str
    """As `Bb`, in its usual spelling."""
    mode: Mode
    margin: float
    """0–1: the difference in correlation to the next best key; 0.1 is clear."""

    @property
    def name(self) -> str:
        """As `Bb minor`; `scale.parse_scale` reads it."""
        return f"{self.tonic} {self.mode}"


def estimate_key(notes: Iterable[Note]) -> KeyEstimate | None:
    """The key of pitched notes; None where they have fewer than three pitch classes. Leave drums out."""
    sounding = pitch_classes(notes)
    if sum(seconds > 0 for seconds in sounding) < MIN_CLASSES:
        return None
    fits = sorted(
        (
            (_correlation(sounding, [profile[(pitch - tonic) % 12] for pitch in range(12)]), tonic, mode)
            for mode, profile in PROFILES.items()
            for tonic in range(12)
        ),
        key=lambda fit: (-fit[0], fit[1], fit[2]),
    )
    (best, tonic, mode), (next_best, _, _) = fits[:2]
    return KeyEstimate(tonic=TONICS[mode][tonic], mode=mode, margin=round(min(1.0, best - next_best), 3))


def pitch_classes(notes: Iterable[Note]) -> list[float]:
    """Seconds for which each pitch class sounds, from C up: 12 values."""
    sounding = [0.0] * 12
    for note in notes:
        sounding[note.pitch % 12] += min(LONGEST_SECONDS, max(0.0, note.offset_seconds - note.onset_seconds))
    return sounding


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's correlation; 0 where either is constant."""
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    pairs = [(a - mean_one, b - mean_other) for a, b in zip(one, other, strict=True)]
    spread = math.sqrt(sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs))
    return sum(a * b for a, b in pairs) / spread if spread > 0 else 0.0
