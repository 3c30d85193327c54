"""Random pieces from a seed: random keys, registers, rhythms, articulation and dynamics."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.corpora.etudes import Etude
from benchmarks.corpora.patterns import SECONDS
from benchmarks.corpora.synthesis import SINGER, Part
from bridge.model import Note


@dataclass(frozen=True)
class Player:
    """An instrument and its abilities."""

    name: str
    stem: str
    program: int
    """General MIDI program, from 0."""
    lowest: int
    highest: int
    plays_chords: bool


#: Except for the singer, none of these programs is in `benchmarks.corpora.etudes`.
PLAYERS = (
    Player("bright piano", "piano", 1, 33, 90, True),
    Player("electric piano", "piano", 4, 36, 84, True),
    Player("steel guitar", "guitar", 25, 40, 79, True),
    Player("jazz guitar", "guitar", 26, 40, 79, True),
    Player("overdriven guitar", "guitar", 29, 40, 76, False),
    Player("acoustic bass", "bass", 32, 28, 55, False),
    Player("picked bass", "bass", 34, 28, 55, False),
    Player("synth bass 2", "bass", 39, 28, 55, False),
    Player("viola", "other", 41, 48, 79, False),
    Player("slow strings", "other", 49, 43, 79, True),
    Player("trumpet", "other", 56, 55, 82, False),
    Player("alto sax", "other", 65, 50, 80, False),
    Player("oboe", "other", 68, 58, 86, False),
    Player("clarinet", "other", 71, 50, 86, False),
    Player("organ", "other", 16, 40, 84, True),
    Player("square lead", "other", 80, 48, 84, False),
    Player("vibraphone", "other", 11, 53, 86, True),
    Player("singer", "vocals", SINGER, 45, 74, False),
)
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 6, 7, 10), (0, 2, 4, 7, 9))
LENGTHS = ((1.0, 0.5, 0.5, 1.0, 2.0), (0.5, 0.5, 0.25, 0.25, 1.0), (0.25,), (0.5,), (1 / 3,), (1.5, 0.5, 1.0))


def random_etudes(seed: int, players: tuple[Player, ...] = PLAYERS) -> tuple[Etude, ...]:
    """One piece for every player; players of chords get chords in two of three pieces."""
    drawn = []
    for number, player in enumerate(players):
        chance = random.Random(f"{seed} {player.name}")
        with_chords = player.plays_chords and (number + seed) % 3 != 0
        notes = _chords(chance, player) if with_chords else _line(chance, player)
        style = "chords" if with_chords else "line"
        drawn.append(Etude(f"{player.name}, {style}", player.stem, Part(player.stem, notes, player.program)))
    return tuple(drawn)


def _line(chance: random.Random, player: Player) -> tuple[Note, ...]:
    """A random walk on a scale, in phrases of one rhythm each; some notes repeat, some phrases end in a rest."""
    beat_seconds = 60 / chance.uniform(66, 168)
    touch = chance.choice((0.5, 0.8, 0.95, 1.0))
    scale = _scale(chance, player)
    place = len(scale) // 2
    notes: list[Note] = []
    now = chance.uniform(0.05, 0.6)
    while now < SECONDS - 0.3:
        rhythm, loud = chance.choice(LENGTHS), chance.uniform(60, 105)
        for _ in range(chance.randint(4, 9)):
            length = chance.choice(rhythm) * beat_seconds
            notes.append(_note(now, max(0.06, length * touch), scale[place], loud + chance.gauss(0, 12)))
            now += length + chance.gauss(0, 0.004)
            step = chance.choice((0, 0, 1, 1, 1, 2, -1, -1, -1, -2, 3, -3, 4, -4))
            place = min(max(place + step, 0), len(scale) - 1)
        now += chance.choice((0.0, 0.0, beat_seconds))
    return _cut(notes)


def _chords(chance: random.Random, player: Player) -> tuple[Note, ...]:
    """Chords of three to five notes with different velocities; played together, strummed or broken."""
    beat_seconds = 60 / chance.uniform(66, 140)
    touch = chance.choice((0.7, 0.95))
    scale = _scale(chance, player)
    spread = chance.choice((0.0, 0.0, 0.012, 0.12))
    notes: list[Note] = []
    now = chance.uniform(0.05, 0.6)
    while now < SECONDS - 0.5:
        root = chance.randrange(0, max(1, len(scale) - 10))
        degrees = chance.choice(((0, 2, 4), (0, 4, 7, 9), (0, 2, 4, 7), (0, 4, 6, 8, 10)))
        pitches = [scale[root + degree] for degree in degrees if root + degree < len(scale)]
        for _ in range(chance.randint(1, 4)):
            length, loud = chance.choice((0.5, 1.0, 2.0)) * beat_seconds, chance.uniform(55, 105)
            for order, pitch in enumerate(pitches):
                late = min(order * spread, 0.6 * length)
                notes.append(_note(now + late, length * touch - late, pitch, loud + chance.gauss(0, 15)))
            now += length
    return _cut(notes)


def _scale(chance: random.Random, player: Player) -> list[int]:
    """The player's pitches in a random key, at most two and a half octaves of them."""
    tonic, scale = chance.randrange(12), chance.choice(SCALES)
    pitches = [p for p in range(player.lowest, player.highest + 1) if (p - tonic) % 12 in scale]
    most = round(2.5 * len(scale))
    start = chance.randrange(0, max(1, len(pitches) - most))
    return pitches[start : start + most]


def _note(onset: float, length: float, pitch: int, velocity: float) -> Note:
    return Note(
        onset_seconds=onset,
        offset_seconds=onset + max(0.06, length),
        pitch=pitch,
        velocity=round(min(max(velocity, 25), 127)),
    )


def _cut(notes: list[Note]) -> tuple[Note, ...]:
    """The notes in order, without overlaps on one pitch and without those in the last tenth of a second."""
    kept: list[Note] = []
    free: dict[int, float] = {}
    for note in sorted(notes, key=lambda note: (note.onset_seconds, note.pitch)):
        if note.onset_seconds >= free.get(note.pitch, 0.0) and note.onset_seconds < SECONDS - 0.1:
            kept.append(note)
            free[note.pitch] = note.offset_seconds + 0.005
    return tuple(kept)
