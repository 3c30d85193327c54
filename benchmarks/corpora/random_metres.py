"""Random pieces in even and odd metres, slow and fast: what the choice of tempo and metre is fitted to.

A piece is drawn by rules, not from a list of patterns: `benchmarks.corpora.metres` has such a list, for judging.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.corpora.loops import in_order
from benchmarks.corpora.synthesis import Part
from bridge.model import Note
from bridge.music.metre import Metre

#: (metre, share of pieces, usual quarters a minute, their spread in octaves, slowest, fastest).
DRAWN = (
    (Metre(4, 4), 0.42, 108, 0.62, 46, 230),
    (Metre(3, 4), 0.16, 118, 0.45, 60, 215),
    (Metre(6, 8), 0.16, 112, 0.38, 70, 210),
    (Metre(5, 4), 0.10, 122, 0.35, 78, 190),
    (Metre(7, 8), 0.11, 140, 0.38, 84, 230),
    (Metre(7, 4), 0.05, 126, 0.32, 84, 190),
)
SWINGING = ((4, 4), (3, 4), (5, 4))
#: Eighths from one cymbal to the next; 0: none, -1: on every off-beat.
EIGHTHS, SLOW_STEPS = (1.0, 1.0, 1.0, 0.5), (1.0, 1.0, 0.5, 0.5, 2.0, 0.0)
USUAL_STEPS, FAST_STEPS = (1.0, 1.0, 1.0, 2.0, 2.0, 0.5, -1.0, 0.0), (1.0, 1.0, 2.0, 2.0, 2.0, 0.0, -1.0)
CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14), (2, 5, 9), (4, 7, 11), (-2, 2, 5), (3, 7, 10))
CHORD_PROGRAMS, BASS_PROGRAMS, LEAD_PROGRAMS = (
    (0, 4, 16, 24, 25, 27, 29, 48, 50, 81, 89),
    range(32, 40),
    (0, 11, 24, 56, 65, 66, 73, 80),
)


@dataclass(frozen=True)
class MetricPiece:
    """A piece of whole bars."""

    name: str
    tempo_bpm: float
    """Quarters a minute."""
    metre: Metre
    bars: int
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> float:
        return self.bars * self.metre.bar_seconds(self.tempo_bpm)


@dataclass(frozen=True)
class Session:
    """What the players of one piece share. Times are in eighths."""

    metre: Metre
    tempo_bpm: float
    bars: int
    rng: random.Random
    groups: tuple[int, ...]
    """Eighths of each group of the bar."""
    swing: float
    unsteady_seconds: float
    chords: Sequence[Sequence[int]]
    bars_a_chord: float

    @property
    def eighths(self) -> int:
        return round(2 * self.metre.bar_quarters)

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each group begins."""
        return tuple(sum(self.groups[:place]) for place in range(len(self.groups)))

    def chord(self, bar: float) -> Sequence[int]:
        return self.chords[int(bar / self.bars_a_chord + 1e-6) % len(self.chords)]

    def note(self, bar: int, eighth: float, length: float, pitch: int, velocity: int) -> Note:
        late = self.swing if eighth % 2 == 1 else self.swing / 2 if eighth % 1 == 0.5 and self.swing else 0.0
        at = (bar * self.eighths + eighth + late) * 30 / self.tempo_bpm + self.rng.gauss(0, self.unsteady_seconds)
        at = max(0.0, at)
        stop = at + max(0.04, length * 30 / self.tempo_bpm - 0.01)
        loud = min(127, max(20, velocity + self.rng.randrange(-6, 7)))
        return Note(onset_seconds=at, offset_seconds=stop, pitch=pitch, velocity=loud)


def random_piece(seed: int) -> MetricPiece:
    """A piece of some 12 to 40 seconds."""
    rng = random.Random(seed)
    metre, _, usual, spread, slowest, fastest = rng.choices(DRAWN, [row[1] for row in DRAWN])[0]
    drawn = min(fastest, max(slowest, usual * 2 ** rng.gauss(0, spread)))
    if metre == Metre(4, 4) and rng.random() < 0.4:
        drawn = math.exp(rng.uniform(math.log(slowest), math.log(fastest)))
    tempo = float(round(drawn)) if rng.random() < 0.6 else round(drawn, 1)
    bars = max(4, round(rng.uniform(12, 40) / metre.bar_seconds(tempo)))
    session = Session(
        metre, tempo, bars, rng, groups_of(metre, rng),
        swing=rng.uniform(0.2, 0.34) if metre.signature in SWINGING and rng.random() < 0.18 else 0.0,
        unsteady_seconds=rng.choice((0.0, 0.0, 0.004, 0.008)),
        chords=[rng.choice(CHORDS) for _ in range(rng.choice((1, 2, 4, 4, 4, 8)))],
        bars_a_chord=rng.choice((1, 1, 1, 1, 2, 0.5)) if metre != Metre(7, 8) else rng.choice((1, 1, 2)),
    )  # fmt: skip
    players: dict[str, Callable[[Session], Part]] = {
        "drums": _drums, "bass": _bass, "chords": _chords, "arpeggio": _arpeggio, "melody": melody,
    }  # fmt: skip
    band = rng.choice((
        ("drums",), ("drums", "bass"), ("drums", "bass", "chords"), ("drums", "bass", "chords", "melody"),
        ("drums", "bass", "chords"), ("drums", "chords"), ("bass", "chords"), ("chords", "melody"), ("arpeggio",),
        ("drums", "bass", "arpeggio"),
    ))  # fmt: skip
    parts = tuple(players[player](session) for player in band)
    return MetricPiece(f"{metre.numerator}/{metre.denominator} {'+'.join(band)}", tempo, metre, bars, parts)


def groups_of(metre: Metre, rng: random.Random) -> tuple[int, ...]:
    if metre == Metre(6, 8):
        return (3, 3)
    if metre == Metre(7, 8):
        return rng.choice(((2, 2, 3), (2, 2, 3), (3, 2, 2), (2, 3, 2)))
    return (2,) * metre.numerator


def snares_of(session: Session) -> tuple[tuple[float, ...], bool]:
    """Eighths of the bar with a snare, and whether the feel is half-time."""
    rng, starts = session.rng, session.starts
    match session.metre:
        case Metre(numerator=4):
            if (session.tempo_bpm > 110 and rng.random() < 0.12) or rng.random() < 0.03:
                return (4.0,), True
            return rng.choice(
                ((2.0, 6.0), (2.0, 6.0), (2.0, 6.0), (2.0, 6.0), (2.0, 6.0, 7.0), (0.0, 2.0, 4.0, 6.0))
            ), False
        case Metre(numerator=3):
            return rng.choice(((2.0, 4.0), (2.0, 4.0), (4.0,), (2.0,))), False
        case Metre(numerator=6):
            return rng.choice(((3.0,), (3.0,), (3.0,), (3.0, 5.0))), False
        case Metre(numerator=5):
            return rng.choice(((2.0, 6.0), (4.0, 8.0), (2.0, 6.0, 8.0), (6.0,), (2.0, 8.0), (3.0, 6.0))), False
        case _ if session.metre.denominator == 8:
            return rng.choice(
                ((float(starts[1]),), (float(starts[1]), float(starts[2])), (float(starts[2]),), (2.0, 6.0))
            ), False
    return rng.choice(((2.0, 6.0, 10.0), (2.0, 6.0, 10.0, 12.0), (4.0, 8.0, 12.0), (2.0, 6.0, 12.0))), False


def _drums(session: Session) -> Part:
    rng, eighths = session.rng, session.eighths
    snares, half_time = snares_of(session)
    slow = session.tempo_bpm < 92
    kicks = {0.0}
    style = rng.random()
    if style < 0.16 and session.metre != Metre(6, 8):
        kicks = {float(at) for at in range(0, eighths - eighths % 2, 2)}
    elif style < 0.75:
        spots = [at / 2 for at in range(1, 2 * eighths) if at / 2 not in snares and (slow or at % 2 == 0)]
        kicks |= set(rng.sample(spots, min(len(spots), rng.choice((0, 1, 1, 2, 2, 3)))))
    if session.metre in (Metre(4, 4), Metre(5, 4), Metre(7, 4)) and not half_time and rng.random() < 0.6:
        kicks.add(4.0)
    compound = session.metre == Metre(6, 8)
    steps = EIGHTHS if compound else SLOW_STEPS if slow else FAST_STEPS if session.tempo_bpm >= 150 else USUAL_STEPS
    step = rng.choice(steps)
    cymbal = rng.choice((42, 42, 42, 51, 46, 70, 54))
    ghosts = [at / 2 for at in rng.sample(range(2 * eighths), 2)] if slow and rng.random() < 0.3 else []
    side, kick_key, snare_key = rng.random() < 0.12, rng.choice((35, 36)), rng.choice((38, 40, 37, 39))
    fills = rng.random() < 0.3
    turn = rng.choice((None, None, float(rng.randrange(1, eighths))))
    notes = []
    for bar in range(session.bars):
        if fills and bar % 4 == 3:
            for at in range(eighths - 4, eighths):
                notes.append(session.note(bar, at, 1, rng.choice((snare_key, 45, 47, 41)), 100))
            notes.append(session.note(bar, 0, 1, kick_key, 108))
            if bar + 1 < session.bars:
                notes.append(session.note(bar + 1, 0, 2, 49, 105))
            continue
        kicked = sorted(kicks | ({turn} if turn is not None and bar % 2 else set()))
        notes += [session.note(bar, at, 1, kick_key, 112 if at == 0 else 100) for at in kicked]
        notes += [session.note(bar, at, 1, snare_key, 110) for at in (() if side else snares)]
        notes += [session.note(bar, at, 0.5, snare_key, 55) for at in ghosts]
        if step > 0:
            for place in range(round(eighths / step)):
                accent = 12 if place * step in session.starts else 0
                notes.append(session.note(bar, place * step, 0.5, cymbal, 78 + accent))
        elif step < 0:
            for at in range(1, eighths, 2):
                notes.append(session.note(bar, at, 0.5, cymbal, 88))
    return Part("drums", in_order(notes), rng.choice((0, 0, 0, 8, 16, 24, 25, 32, 40)))


def _bass(session: Session) -> Part:
    rng, eighths = session.rng, session.eighths
    style = rng.choice(("groups", "groups", "eighths", "bars", "figure", "figure", "walk"))
    walk = range(0, eighths, 3 if session.metre == Metre(6, 8) else 2)
    figure = sorted({0, *rng.sample(range(1, eighths), min(eighths - 1, rng.choice((1, 2, 3, 3))))})
    starts = {
        "groups": session.starts if len(session.starts) < 5 else (0, *rng.choice(((4,), (6,), (4, 8)))),
        "eighths": range(eighths), "bars": (0,), "figure": figure, "walk": walk,
    }[style]  # fmt: skip
    leaps = [0 if place == 0 else rng.choice((0, 0, 0, 7, 12, 5)) for place in range(len(starts))]
    ends = [*starts[1:], eighths]
    notes = [
        session.note(
            bar, at, 0.9 * (end - at), 36 + session.chord(bar + at / eighths)[0] + leap, 100 if at == 0 else 88
        )
        for bar in range(session.bars)
        for at, end, leap in zip(starts, ends, leaps, strict=True)
    ]
    return Part("bass", in_order(notes), rng.choice(BASS_PROGRAMS), gain_db=rng.uniform(-6, 3))


def _chords(session: Session) -> Part:
    rng, eighths = session.rng, session.eighths
    style = rng.choice(("bars", "groups", "strum", "off", "eighths", "oom"))
    starts: Sequence[float] = {
        "bars": (0,), "groups": session.starts, "eighths": range(eighths), "off": range(1, eighths, 2),
        "strum": sorted({0, *rng.sample(range(1, eighths), min(eighths - 1, 3))}), "oom": session.starts[1:],
    }[style]  # fmt: skip
    length = eighths * 0.95 if style == "bars" else rng.choice((0.6, 0.9, 1.6))
    notes = [
        session.note(bar, at, length, 60 + tone, 96 if at == 0 else 86)
        for bar in range(session.bars)
        for at in starts
        for tone in session.chord(bar + at / eighths)
    ]
    return Part("other", in_order(notes), rng.choice(CHORD_PROGRAMS), gain_db=rng.uniform(-9, 2))


def _arpeggio(session: Session) -> Part:
    rng, eighths = session.rng, session.eighths
    order = (
        [0, *(rng.randrange(3) for _ in range(eighths - 1))]
        if rng.random() < 0.5
        else [at % 3 for at in range(eighths)]
    )
    step = 0.5 if session.tempo_bpm < 84 and rng.random() < 0.5 else 1.0
    notes = [
        session.note(bar, place * step, step, 60 + session.chord(bar + place * step / eighths)[order[place % eighths]]
                     - (12 if place == 0 else 0), 98 if place == 0 else 84)
        for bar in range(session.bars)
        for place in range(round(eighths / step))
    ]  # fmt: skip
    return Part("other", in_order(notes), rng.choice(CHORD_PROGRAMS), gain_db=rng.uniform(-4, 2))


def melody(session: Session) -> Part:
    rng, eighths = session.rng, session.eighths
    two_bars = 2 * eighths
    rhythm, at = [], 0.0
    unit = 3.0 if session.metre == Metre(6, 8) else 2.0
    while at < two_bars:
        length = rng.choice((1.0, 1.0, unit, unit, 2 * unit, 0.5 if session.tempo_bpm < 90 else 1.0))
        length = min(length, eighths - at % eighths)
        if rng.random() > 0.12 or at % eighths == 0:
            rhythm.append((at, length))
        at += length
    notes, degree = [], 4
    for turn in range(0, session.bars, 2):
        for at, length in rhythm:
            bar = turn + int(at // eighths)
            degree = max(0, min(11, degree + rng.choice((-2, -1, 0, 1, 1, 2))))
            if bar < session.bars:
                pitch = 65 + (0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19)[degree]
                notes.append(session.note(bar, at % eighths, 0.95 * length, pitch, 92))
    return Part("other", in_order(notes), rng.choice(LEAD_PROGRAMS), gain_db=rng.uniform(-6, 0))
