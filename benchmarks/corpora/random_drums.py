"""Random drum parts from a seed, with unsteady timing and dynamics.

The transcriber's constants were tuned on such parts from seeds 1000 and 5000 on, not from 0 on, but on the same kits:
these parts verify patterns, not sounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.corpora.patterns import Pulse, within
from benchmarks.corpora.synthesis import Part
from bridge.model import Note

KICK, STICK, SNARE, CLOSED, PEDAL, OPEN, CRASH, RIDE = 36, 37, 38, 42, 44, 46, 49, 51
TOMS = (50, 47, 45, 41)
#: General MIDI's kits: standard, room, power, electronic, TR-808, jazz, brush, orchestra.
KITS = (0, 8, 16, 24, 25, 32, 40, 48)
#: Standard deviation of a hit's timing, and its limit.
HAND_SECONDS, HAND_LIMIT_SECONDS = 0.005, 0.01
LOUDNESS_SPREAD = 7


@dataclass(frozen=True)
class Cymbals:
    """The cymbal pattern: the sixteenths of a bar with a hit, and the cymbal's key."""

    steps: tuple[int, ...]
    key: int
    open_share: float


def random_part(seed: int, kit: int | None = None) -> Part:
    """A part at a random tempo, possibly with fills, crashes, ghost notes, open hats or a ride."""
    rng = np.random.default_rng(seed)
    pulse = _pulse(rng)
    cymbals = _cymbals(rng, pulse)
    kicks, snares, ghosts = _kicks(rng), _snares(rng), _ghosts(rng, pulse)
    fills = bool(rng.random() < 0.5)
    notes: list[Note] = []
    for bar in range(pulse.bars):
        fill = int(rng.choice([4, 8])) if fills and bar % 4 == 3 else 0
        hits = [(step, KICK, 104.0 if step == 0 else 94.0) for step in kicks]
        hits += [(step, SNARE, 104.0) for step in snares] + [(step, SNARE, 48.0) for step in ghosts]
        for step in cymbals.steps:
            key = OPEN if cymbals.key == CLOSED and rng.random() < cymbals.open_share else cymbals.key
            hits.append((step, key, 96.0 if step % 4 == 0 else 80.0))
        hits = [hit for hit in hits if hit[0] < 16 - fill]
        if fill:
            hits += _fill(rng, fill)
        if fills and bar % 4 == 0:
            hits = [hit for hit in hits if not (hit[0] == 0 and hit[1] in (CLOSED, OPEN, RIDE))]
            hits.append((0, CRASH, 108.0))
        notes += [_played(rng, pulse, 4 * bar + step / 4, key, velocity) for step, key, velocity in hits]
    return Part("drums", within(notes), int(rng.choice(KITS)) if kit is None else kit)


def random_pulse(seed: int) -> Pulse:
    """The pulse of the part of that seed."""
    return _pulse(np.random.default_rng(seed))


def _pulse(rng: np.random.Generator) -> Pulse:
    return Pulse(float(rng.uniform(70, 172)), swing=float(rng.choice([0.0, 0.0, 0.0, 0.1, 0.17])))


def _cymbals(rng: np.random.Generator, pulse: Pulse) -> Cymbals:
    kind = rng.choice(["eighths", "eighths", "sixteenths", "quarters", "offbeats", "gaps", "ride"])
    if kind == "sixteenths" and pulse.tempo_bpm > 130:
        kind = "eighths"
    steps = {
        "eighths": range(0, 16, 2),
        "sixteenths": range(16),
        "quarters": range(0, 16, 4),
        "offbeats": range(2, 16, 4),
        "gaps": sorted(rng.choice(16 if pulse.tempo_bpm < 130 else range(0, 16, 2), 7, replace=False).tolist()),
        "ride": (0, 4, 6, 8, 12, 14),
    }[str(kind)]
    key = RIDE if kind == "ride" else OPEN if kind == "offbeats" and rng.random() < 0.5 else CLOSED
    return Cymbals(tuple(steps), key, float(rng.choice([0.0, 0.0, 0.1])))


def _kicks(rng: np.random.Generator) -> tuple[int, ...]:
    if rng.random() < 0.25:
        return (0, 4, 8, 12)
    extra = rng.choice([2, 3, 6, 7, 8, 10, 11, 14], int(rng.integers(1, 4)), replace=False)
    return tuple(sorted({0, *extra.tolist()}))


def _snares(rng: np.random.Generator) -> tuple[int, ...]:
    return (8,) if rng.random() < 0.25 else (4, 12)


def _ghosts(rng: np.random.Generator, pulse: Pulse) -> tuple[int, ...]:
    if pulse.tempo_bpm > 120 or rng.random() < 0.6:
        return ()
    return tuple(rng.choice([1, 3, 6, 7, 9, 11, 15], int(rng.integers(1, 4)), replace=False).tolist())


def _fill(rng: np.random.Generator, length: int) -> list[tuple[int, int, float]]:
    keys = sorted(rng.choice([SNARE, *TOMS], length).tolist(), key=lambda key: [SNARE, *TOMS].index(key))
    hits = [(16 - length + index, key, 92.0) for index, key in enumerate(keys)]
    return [*hits, (16 - length, KICK, 96.0)]


def _played(rng: np.random.Generator, pulse: Pulse, beat: float, key: int, velocity: float) -> Note:
    late = float(np.clip(rng.normal(0, HAND_SECONDS), -HAND_LIMIT_SECONDS, HAND_LIMIT_SECONDS))
    onset = max(0.0, pulse.seconds(beat) + late)
    loud = int(np.clip(round(velocity + rng.normal(0, LOUDNESS_SPREAD)), 20, 127))
    return Note(onset_seconds=onset, offset_seconds=onset + 0.1, pitch=key, velocity=loud)
