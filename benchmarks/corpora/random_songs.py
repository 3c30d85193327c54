"""Random songs from a seed: a kit of any kind, with bass, chords and tunes.

The drum transcriber was tuned on even seeds only; odd ones measure it on unseen songs.
"""

from __future__ import annotations

import numpy as np

from benchmarks.corpora.patterns import (
    CLEAN,
    DISTORTION,
    FLUTE,
    NYLON,
    ORGAN,
    OVERDRIVE,
    PIANO,
    SAW_LEAD,
    SAX,
    STEEL,
    STRINGS,
    TRUMPET,
    VIBRAPHONE,
    VIOLIN,
    WARM_PAD,
    Pulse,
    chords,
    drums,
    line,
    roots,
)
from benchmarks.corpora.random_drums import random_part, random_pulse
from benchmarks.corpora.songs import Song
from benchmarks.corpora.synthesis import SINGER, Part

#: Drum patterns of common styles: range of tempi, rows of sixteenths.
STYLES = (
    ((96, 140), ("h-h-h-h-h-h-h-h-", "K-----k-K-------", "----S-------S---")),
    ((96, 140), ("h-h-h-o-h-h-h-o-", "K--k----k-K-----", "----S-------S---")),
    ((88, 112), ("hhhhhhhhhhhhhhhh", "K-k---k-k--k----", "----S--s-s--S-s-")),
    ((90, 108), ("h-hhh-hhh-hhh-h-", "K--k----K-k-----", "----S-s-----S--s")),
    ((118, 132), ("--o---o---o---o-", "K---K---K---K---", "----S-------S---")),
    ((118, 132), ("h-o-h-o-h-o-h-o-", "K---K---K---K---", "----S-------S---")),
    ((130, 150), ("hhhhhhhhhhhhhhhh", "K------k--k-----", "--------S-------")),
    ((130, 150), ("h-hhh-hhh-h-hhhh", "K-----k---K--k--", "--------S------s")),
    ((160, 176), ("h-h-h-h-h-h-h-h-", "K---------k-----", "----S--s-s--S---")),
    ((66, 84), ("h-h-h-h-h-h-h-h-", "K------kk-------", "----S-------S---")),
)
FILLS = ("", "", "K---S-S-ttmmffff", "K-h-K-h-SsssSsss", "K---S---S-S-SsSs", "K-k-ttttmmmmffff")

#: Those of `benchmarks.corpora.random_drums` without the orchestra kit, which has no kick.
KITS = (0, 8, 16, 24, 25, 32, 40)
BASSES = tuple(range(32, 40))
CHORDING = (PIANO, 4, ORGAN, NYLON, STEEL, CLEAN, OVERDRIVE, DISTORTION, STRINGS, WARM_PAD)
LEADING = (SINGER, SINGER, SINGER, SAW_LEAD, 80, VIOLIN, TRUMPET, SAX, FLUTE, VIBRAPHONE, OVERDRIVE)
SCALE = (0, 2, 3, 5, 7, 8, 10)
QUIETEST_DB, LOUDEST_DB = -9.0, 2.0


def random_song(seed: int, kit: int | None = None) -> Song:
    """A drum part, random or of a style, with a backing in time."""
    rng = np.random.default_rng((seed, 77))
    kit = int(rng.choice(KITS)) if kit is None else kit
    pulse, part = (random_pulse(seed), random_part(seed, kit)) if seed % 4 < 2 else _styled(rng, kit)
    return Song(f"seed {seed}, kit {part.program}", (part, *backing(rng, pulse)))


def backing(rng: np.random.Generator, pulse: Pulse) -> tuple[Part, ...]:
    """Nearly always a bass, mostly chords, often a second chord part and a lead."""
    tonic, degrees = int(rng.integers(28, 40)), rng.choice(len(SCALE), 4)
    parts = []
    if rng.random() < 0.9:
        parts.append(random_bass(rng, pulse, [tonic + SCALE[degree] for degree in degrees]))
    harmony = [[24 + tonic + _pitch(degree + above) for above in (0, 2, 4)] for degree in degrees]
    for chance in (0.85, 0.4):
        if rng.random() < chance:
            steps = sorted(rng.choice(8, int(rng.integers(1, 6)), replace=False).tolist())
            length = float(rng.choice([0.2, 0.45, 0.9]))
            rhythm = [(0.0, 3.9)] if rng.random() < 0.35 else [(step / 2, length) for step in steps]
            pan = float(rng.choice([0.0, -0.6, 0.6, -0.3, 0.3]))
            parts.append(chords(pulse, int(rng.choice(CHORDING)), harmony, rhythm, pan=pan, gain_db=_gain(rng)))
    if rng.random() < 0.75:
        program = int(rng.choice(LEADING))
        stem = "vocals" if program == SINGER else "other"
        pan = 0.0 if program == SINGER else float(rng.choice([0.0, -0.4, 0.4]))
        parts.append(line(stem, pulse, program, _tune(rng, 36 + tonic), pan=pan, gain_db=_gain(rng)))
    return tuple(parts)


def random_bass(rng: np.random.Generator, pulse: Pulse, pitches: list[int]) -> Part:
    steps = sorted({0, *rng.choice(16, int(rng.integers(2, 9)), replace=False).tolist()})
    if rng.random() < 0.5:
        steps = list(range(0, 16, 2))
    length = float(rng.choice([0.2, 0.45]))
    figure = [(step / 4, length, int(rng.choice([0, 0, 0, 7, 12]))) for step in steps]
    return roots(pulse, int(rng.choice(BASSES)), pitches, figure, gain_db=_gain(rng))


def _styled(rng: np.random.Generator, kit: int) -> tuple[Pulse, Part]:
    (slowest, fastest), rows = STYLES[int(rng.integers(len(STYLES)))]
    pulse = Pulse(float(rng.uniform(slowest, fastest)))
    return pulse, drums(pulse, *rows, fill=str(rng.choice(FILLS)), kit=kit)


def _tune(rng: np.random.Generator, lowest: int) -> list[tuple[float, float, int]]:
    figure, beat, place = [], 0.0, 4
    while beat < 15:
        length = float(rng.choice([0.5, 0.5, 1.0, 1.5]))
        if rng.random() < 0.85:
            figure.append((beat, length, lowest + _pitch(place)))
        place = int(np.clip(place + rng.integers(-2, 3), 0, 11))
        beat += length
    return figure


def _pitch(degree: int) -> int:
    return SCALE[degree % 7] + 12 * (degree // 7)


def _gain(rng: np.random.Generator) -> float:
    return float(rng.uniform(QUIETEST_DB, LOUDEST_DB))
