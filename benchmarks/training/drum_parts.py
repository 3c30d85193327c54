"""Drum parts to learn from, drawn at random: what drummers play, with their timing and dynamics.

A part is made bar by bar from a figure for the time-keeper (hat, ride, crash, floor tom), one for the kick and one for
the snare; figures vary from bar to bar and the time-keeper may change at a section.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.model import Note

KICK, STICK, SNARE, CLOSED, PEDAL, OPEN, CRASH, RIDE, BELL = 36, 37, 38, 42, 44, 46, 49, 51, 53
TOMS = (48, 45, 41)
PERCUSSION = (54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 82)

#: Time-keeping figures, in steps of a bar of 16 (or of 12 where the bar is ternary).
KEEPERS: dict[int, tuple[tuple[int, ...], ...]] = {
    16: ((0, 4, 8, 12), tuple(range(0, 16, 2)), tuple(range(16)), (2, 6, 10, 14), (4, 12), (0, 6, 8, 14)),
    12: ((0, 3, 6, 9), (0, 2, 3, 5, 6, 8, 9, 11), (0, 3, 5, 6, 9, 11), tuple(range(12)), (0, 5, 6, 11)),
}
#: Snare figures.
BACKBEATS: dict[int, tuple[tuple[int, ...], ...]] = {
    16: (
        (4, 12),
        (4, 12),
        (4, 12),
        (4, 12),
        (8,),
        (2, 6, 10, 14),
        (0, 4, 8, 12),
        (4, 10, 12),
        (4, 7, 9, 12),
        (3, 6, 12),
    ),
    12: ((3, 9), (3, 9), (6,), (3, 9, 11), (2, 8)),
}
#: Kick figures; others are drawn.
KICKS: dict[int, tuple[tuple[int, ...], ...]] = {
    16: (
        (0, 8),
        (0, 4, 8, 12),
        (0, 8, 10),
        (0, 7, 8),
        (0, 3, 6, 10),
        (8,),
        (0, 2, 8, 10),
        (0, 6, 8, 14),
        (2, 6, 10, 14),
    ),
    12: ((0, 6), (0, 3, 6, 9), (0, 5, 6), (6,), (0, 2, 6, 8)),
}
#: A ternary bar swings anyway; these delay every second eighth of a binary one, in sixteenths.
SWINGS = (0.0, 0.0, 0.0, 0.0, 0.3, 0.6)


@dataclass(frozen=True)
class _Style:
    """What stays the same through a part."""

    steps: int
    step_seconds: float
    swing: float
    kick: tuple[int, ...]
    snare: tuple[int, ...]
    snare_key: int
    ghosts: tuple[int, ...]
    fill_every: int
    busy: float
    spread: float
    hand_seconds: float


def drum_part(rng: np.random.Generator, seconds: float) -> tuple[Note, ...]:
    """The notes of a part of `seconds`, by onset."""
    style = _style(rng)
    keeper = _keeper(rng, style.steps)
    hits: list[tuple[float, int, float]] = []
    bars = int(seconds / (style.steps * style.step_seconds)) + 1
    section = int(rng.choice((2, 4, 4, 8, 8)))
    for bar in range(bars):
        if bar and bar % section == 0 and rng.random() < 0.5:
            keeper = _keeper(rng, style.steps)
        hits += [(bar * style.steps + step, key, loud) for step, key, loud in _bar(rng, style, keeper, bar)]
    late = {key: rng.normal(0, 0.004) for key in (*TOMS, KICK, STICK, SNARE, CLOSED, PEDAL, OPEN, CRASH, RIDE, BELL)}
    notes = {}
    for step, key, loud in hits:
        swung = step + (style.swing if int(step) % 4 == 2 else 0.0)
        onset = swung * style.step_seconds + late.get(key, 0.0) + float(rng.normal(0, style.hand_seconds))
        if 0 <= onset < seconds - 0.1:
            velocity = int(np.clip(loud + rng.normal(0, style.spread), 18, 127))
            notes[round(onset * 50), key] = Note(
                onset_seconds=onset, offset_seconds=onset + 0.1, pitch=key, velocity=velocity
            )
    return tuple(sorted(notes.values(), key=lambda note: note.onset_seconds))


def _style(rng: np.random.Generator) -> _Style:
    steps = 12 if rng.random() < 0.25 else 16
    beat = 60 / np.exp(rng.uniform(np.log(60), np.log(190)))
    step_seconds = beat * 4 / steps
    kick = KICKS[steps][int(rng.integers(len(KICKS[steps])))]
    if rng.random() < 0.5:
        kick = tuple(sorted(rng.choice(steps, int(rng.integers(1, 6)), replace=False).tolist()))
    if rng.random() < 0.05 and step_seconds > 0.08:
        kick = tuple(range(0, steps, 1 if step_seconds > 0.1 else 2))
    if rng.random() < 0.06:
        kick = ()
    snare = BACKBEATS[steps][int(rng.integers(len(BACKBEATS[steps])))]
    if rng.random() < 0.12:
        snare = tuple(sorted(rng.choice(steps, int(rng.integers(1, 7)), replace=False).tolist()))
    if rng.random() < 0.06:
        snare = ()
    ghosts: tuple[int, ...] = ()
    if rng.random() < 0.35 and step_seconds > 0.09:
        ghosts = tuple(rng.choice(steps, int(rng.integers(1, 5)), replace=False).tolist())
    return _Style(
        steps=steps,
        step_seconds=step_seconds,
        swing=float(rng.choice(SWINGS)),
        kick=kick,
        snare=snare,
        snare_key=STICK if rng.random() < 0.12 else SNARE,
        ghosts=ghosts,
        fill_every=int(rng.choice((0, 2, 4, 4, 8))),
        busy=float(rng.choice((0.0, 0.05, 0.15, 0.3))),
        spread=float(rng.uniform(3, 14)),
        hand_seconds=float(rng.uniform(0.001, 0.009)),
    )


def _keeper(rng: np.random.Generator, steps: int) -> tuple[Sequence[int], int, int | None, float]:
    """The steps, the key, the pedalled hat's beat if any, and how much off-beats are softer."""
    figure = KEEPERS[steps][int(rng.integers(len(KEEPERS[steps])))]
    if rng.random() < 0.12:
        figure = tuple(sorted(rng.choice(steps, int(rng.integers(3, 9)), replace=False).tolist()))
    key = int(rng.choice((CLOSED, OPEN, RIDE, BELL, CRASH, 41, 0), p=(0.46, 0.1, 0.24, 0.03, 0.09, 0.03, 0.05)))
    pedal = steps // 4 if key in (RIDE, BELL, CRASH, 0, 41) and rng.random() < 0.4 else None
    if key == CRASH and len(figure) > 8:
        figure = tuple(range(0, steps, steps // 4))
    return figure if key else (), key, pedal, float(rng.uniform(0, 28))


def _bar(
    rng: np.random.Generator, style: _Style, keeper: tuple[Sequence[int], int, int | None, float], bar: int
) -> list[tuple[float, int, float]]:
    figure, key, pedal, softer = keeper
    quarter = style.steps // 4
    hits: list[tuple[float, int, float]] = []
    for step in figure:
        played = OPEN if key == CLOSED and rng.random() < 0.05 else key
        hits.append((step, played, 100 - (softer if step % quarter else 0)))
    if pedal is not None:
        hits += [(step, PEDAL, 75) for step in (pedal, 3 * pedal)]
    kicks = {step for step in style.kick if rng.random() > 0.5 * style.busy}
    kicks |= {step for step in range(style.steps) if rng.random() < 0.2 * style.busy}
    hits += [(step, KICK, 105 if step == 0 else 95) for step in kicks]
    hits += [(step, style.snare_key, 106) for step in style.snare if rng.random() > 0.2 * style.busy]
    hits += [(step, SNARE, 45) for step in style.ghosts if step not in style.snare and rng.random() < 0.8]
    if style.busy and rng.random() < style.busy:
        hits.append((float(rng.choice(style.steps)), int(rng.choice((SNARE, *TOMS))), 95))
    if rng.random() < 0.04:  # a flam or a drag before a snare
        hits += [(step - 0.045 / style.step_seconds, SNARE, 55) for step in style.snare]
    if rng.random() < 0.03:
        hits += [(float(rng.choice(style.steps)), int(rng.choice(PERCUSSION)), 95) for _ in range(3)]
    if style.fill_every and bar % style.fill_every == style.fill_every - 1:
        length = int(rng.choice((2, 4, 8)))
        kinds = (
            sorted(rng.choice((0, 1, 2, 3), length).tolist()) if rng.random() < 0.7 else rng.choice(4, length).tolist()
        )
        start = style.steps - length
        hits = [hit for hit in hits if hit[0] < start or (hit[1] == KICK and rng.random() < 0.5)]
        hits += [(start + index, (SNARE, *TOMS)[kind], 98) for index, kind in enumerate(kinds) if rng.random() < 0.9]
    if style.fill_every and bar % style.fill_every == 0 and rng.random() < 0.6:
        hits = [hit for hit in hits if hit[0] != 0 or hit[1] in (KICK, SNARE)]
        hits.append((0, CRASH, 108))
    return hits
