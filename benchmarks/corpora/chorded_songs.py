"""Songs with known chords, drawn from a seed: to fit the chord estimate on some, and judge it on others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.corpora.loops import in_order
from benchmarks.corpora.patterns import CLEAN, NYLON, ORGAN, PIANO, SAX, STEEL, STRINGS, TRUMPET, WARM_PAD
from benchmarks.corpora.synthesis import SINGER, Part
from bridge.model import Note
from bridge.music.chords import QUALITIES
from bridge.music.metre import Metre

#: Progressions of songs as (semitones above the tonic, quality), a bar each.
PROGRESSIONS = (
    ((0, ""), (9, "m"), (5, ""), (7, "")),
    ((0, ""), (7, ""), (9, "m"), (5, "")),
    ((2, "m7"), (7, "7"), (0, "maj7"), (0, "maj7")),
    ((9, "m"), (5, ""), (0, ""), (7, "")),
    ((0, ""), (0, "7"), (5, ""), (5, "m")),
    ((0, "maj7"), (9, "m7"), (2, "m7"), (7, "7")),
    ((0, ""), (4, "m"), (5, ""), (7, "sus4"), (7, "")),
    ((9, "m"), (8, "aug"), (0, ""), (2, "7"), (5, ""), (7, "")),
    ((0, ""), (11, "dim"), (9, "m"), (4, "m"), (5, ""), (0, ""), (2, "m"), (7, "")),
    ((0, "7"), (0, "7"), (5, "7"), (0, "7"), (7, "7"), (5, "7")),
    ((9, "m7"), (2, "7"), (7, "maj7"), (0, "maj7")),
    ((0, ""), (10, ""), (5, ""), (0, "")),
)
MAJOR = (0, 2, 4, 5, 7, 9, 11)
METRES = (Metre(4, 4), Metre(4, 4), Metre(4, 4), Metre(3, 4), Metre(6, 8))
PROGRAMS = (PIANO, PIANO, 4, ORGAN, NYLON, STEEL, CLEAN, STRINGS, WARM_PAD)


@dataclass(frozen=True)
class ChordedSong:
    """A song and its chords."""

    name: str
    tempo_bpm: float
    metre: Metre
    seconds: float
    parts: tuple[Part, ...]
    chords: tuple[tuple[float, float, int, str], ...]
    """Start and end in seconds, pitch class of the root, quality."""


@dataclass(frozen=True)
class _Session:
    """What the players of one song share."""

    rng: random.Random
    chords: tuple[tuple[int, str], ...]
    """Pitch class of the root and quality of each chord."""
    chord_seconds: float
    steps: int
    """Eighths in a chord."""
    beat: int
    """Eighths in a beat."""
    tonic: int

    def note(self, chord: int, step: float, steps: float, pitch: int, velocity: tuple[int, int]) -> Note:
        """A note from a step of a chord on, for so many steps."""
        at = (chord + step / self.steps) * self.chord_seconds + self.rng.gauss(0, 0.006)
        length = steps / self.steps * self.chord_seconds
        at = max(0.0, at)
        return Note(
            onset_seconds=at, offset_seconds=at + max(0.06, length), pitch=pitch, velocity=self.rng.randrange(*velocity)
        )


def chorded_song(seed: int) -> ChordedSong:
    """A song of 8–16 bars: chords, nearly always a bass, mostly a melody with passing notes."""
    rng = random.Random(f"chords {seed}")
    metre, tempo, tonic = rng.choice(METRES), round(rng.uniform(66, 168), 1), rng.randrange(12)
    progression, bars = rng.choice(PROGRESSIONS), rng.choice((8, 12, 16))
    in_bar = 2 if rng.random() < 0.2 and metre == Metre(4, 4) else 1
    chords = [progression[place % len(progression)] for place in range(bars * in_bar)]
    session = _Session(
        rng=rng,
        chords=tuple(((tonic + above) % 12, quality) for above, quality in chords),
        chord_seconds=metre.bar_seconds(tempo) / in_bar,
        steps=round(2 * metre.bar_quarters) // in_bar,
        beat=round(2 * metre.beat_quarters),
        tonic=tonic,
    )
    parts = [Part("other", in_order([*_harmony(session)]), rng.choice(PROGRAMS), gain_db=-3)]
    if rng.random() < 0.9:
        parts.append(Part("bass", in_order([*_bass(session)]), rng.choice(range(32, 40))))
    if rng.random() < 0.75:
        is_sung = rng.random() < 0.6
        program = SINGER if is_sung else rng.choice((SAX, TRUMPET))
        parts.append(Part("vocals" if is_sung else "other", in_order([*_melody(session)]), program, gain_db=-1))
    length = session.chord_seconds
    truth = tuple((place * length, (place + 1) * length, *chord) for place, chord in enumerate(session.chords))
    return ChordedSong(f"seed {seed}", tempo, metre, len(chords) * length, tuple(parts), truth)


def _harmony(session: _Session) -> Iterator[Note]:
    rng, lowest = session.rng, session.rng.choice((48, 52, 55))
    is_arpeggio = rng.random() < 0.33
    rhythm = rng.choice(
        ((0,), range(0, session.steps, session.beat), sorted({0, *rng.sample(range(session.steps), 2)}))
    )
    for place, (root, quality) in enumerate(session.chords):
        pitches = sorted(lowest + (root + tone - lowest) % 12 for tone in QUALITIES[quality])
        if is_arpeggio:
            figure = [*pitches, *pitches[-2:0:-1]]
            for step in range(session.steps):
                yield session.note(place, step, 1.5, figure[step % len(figure)], (70, 96))
            continue
        for step, until in zip(rhythm, [*rhythm[1:], session.steps], strict=True):
            for pitch in pitches:
                yield session.note(place, step, 0.92 * (until - step), pitch, (70, 100))


def _bass(session: _Session) -> Iterator[Note]:
    style = session.rng.choice(("whole", "fifths", "eighths", "walk"))
    beats = session.steps // session.beat
    for place, (root, quality) in enumerate(session.chords):
        low = 28 + (root - 28) % 12
        third, fifth = QUALITIES[quality][1:3]
        last = session.rng.choice((9, -1, 12))
        figure = {
            "whole": [0], "fifths": [0, fifth][:beats], "eighths": [0] * session.steps,
            "walk": [0, third, fifth, last][:beats],
        }[style]  # fmt: skip
        length = session.steps / len(figure) if style != "walk" else session.beat
        for step, above in enumerate(figure):
            yield session.note(place, step * length, 0.9 * length, low + above, (84, 106))


def _melody(session: _Session) -> Iterator[Note]:
    """Notes of the major scale on the tonic, whatever the chord is."""
    rng, degree = session.rng, 7
    lowest = 60 + session.tonic - (12 if session.tonic > 6 else 0)
    for place in range(len(session.chords)):
        step = 0
        while step < session.steps:
            length = min(rng.choice((1, 2, 2, session.beat, 2 * session.beat)), session.steps - step)
            if rng.random() < 0.8:
                degree = max(0, min(13, degree + rng.choice((-2, -1, -1, 0, 1, 1, 2))))
                pitch = lowest + 12 * (degree // 7) + MAJOR[degree % 7]
                yield session.note(place, step, 0.92 * length, pitch, (80, 108))
            step += length
