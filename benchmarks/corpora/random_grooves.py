"""Random accompaniments that `random_metres` seldom draws: strong beats answered by weak ones, and sixteenths.

A polka's tempo is a matter of taste: its off-beats may be quarters or eighths. Such pieces get the tempo of the one or
the other by chance, as musicians would tap them, so that what is fitted to them learns to be unsure.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from benchmarks.corpora.loops import in_order
from benchmarks.corpora.random_metres import (
    BASS_PROGRAMS,
    CHORD_PROGRAMS,
    CHORDS,
    DRAWN,
    MetricPiece,
    Session,
    groups_of,
    melody,
    snares_of,
)
from benchmarks.corpora.synthesis import Part
from bridge.model import Note
from bridge.music.metre import Metre

#: The tempo that people tap most readily, and how far they stray from it, in octaves (D. Moelants, 2002).
TAPPED_BPM, TAPPED_OCTAVES = 112.0, 0.8
#: Sixteenths of a beat on which a cymbal is struck, those most usual first.
BEAT_PATTERNS = ((0, 1, 2, 3), (0, 2, 3), (0, 2), (0, 1, 2), (0, 3), (2,), (0, 1, 3), (1, 2, 3))
#: Slowest and fastest music that is written in sixteenths.
SIXTEENTHS = (50.0, 112.0)


def random_groove(seed: int) -> MetricPiece:
    """A piece of some 12 to 40 seconds."""
    rng = random.Random(f"groove {seed}")
    return _vamp(rng) if rng.random() < 0.5 else _sixteenths(rng)


def _session(rng: random.Random, metre: Metre, tempo: float, swing: float = 0.0) -> Session:
    return Session(
        metre,
        tempo,
        max(4, round(rng.uniform(12, 40) / metre.bar_seconds(tempo))),
        rng,
        groups_of(metre, rng),
        swing=swing,
        unsteady_seconds=rng.choice((0.0, 0.004, 0.008, 0.012)),
        chords=[rng.choice(CHORDS) for _ in range(rng.choice((1, 2, 4, 4, 8)))],
        bars_a_chord=rng.choice((1, 1, 1, 2)),
    )


def _vamp(rng: random.Random) -> MetricPiece:
    """Bass and kick on strong beats, chords, hats or snares on the others: polka, march, ska, waltz, jig."""
    metre, _, usual, spread, slowest, fastest = rng.choices(DRAWN, (0.4, 0.22, 0.26, 0.05, 0.05, 0.02))[0]
    tempo = min(fastest, max(slowest, usual * 2 ** rng.gauss(0, spread)))
    unit = 1.0 if metre.is_compound or metre.denominator == 8 else 2.0
    if metre == Metre(4, 4):
        # Strong beats a minute: they may be quarters, or every second quarter.
        strong = rng.uniform(66, 128)
        tempo = rng.choices((strong, 2 * strong), (_tapped(strong), _tapped(2 * strong)))[0]
        unit = 1.0 if tempo == strong else 2.0
    tempo = float(round(tempo)) if rng.random() < 0.6 else round(tempo, 1)
    session = _session(rng, metre, tempo)
    starts: Sequence[float] = session.starts
    if metre == Metre(4, 4):
        starts = tuple(2 * unit * place for place in range(round(4 / unit)))
    elif metre.numerator == 3:
        starts = (0.0,)
    weak = [unit * place for place in range(round(session.eighths / unit)) if unit * place not in starts]
    drums, bass, chords, tune = rng.choice(
        ((1, 1, 1, 0), (1, 1, 1, 0), (1, 1, 0, 0), (1, 0, 1, 1), (0, 1, 1, 0), (0, 1, 1, 1), (1, 1, 1, 1), (1, 0, 0, 0))
    )
    parts = []
    if drums:
        weak_keys = rng.choice(((42,), (38,), (38, 42), (46,), (37,), (70,)))
        cymbal = rng.choice((0, 0, 0, 42, 51)) if len(weak_keys) == 1 else 0
        struck = [(at, 36, 108) for at in starts] + [(at, key, 92) for at in weak for key in weak_keys]
        struck += [(at, cymbal, 80) for at in starts if cymbal]
        if rng.random() < 0.25:
            struck.append((session.eighths - unit / 2, rng.choice((36, 38)), 84))
        parts.append(Part("drums", in_order([*_struck(session, struck)]), rng.choice((0, 0, 8, 16, 25, 40))))
    if bass:
        fifth = rng.random() < 0.6
        parts.append(_pitched(session, "bass", starts, unit * 0.9, rng, fifth=fifth))
    if chords:
        on_starts = rng.random() < 0.15
        parts.append(_pitched(session, "other", sorted({*weak, *(starts if on_starts else ())}), 0.5 * unit, rng))
    if tune:
        parts.append(melody(session))
    return MetricPiece(_name(metre, "vamp"), tempo, metre, session.bars, tuple(parts))


def _sixteenths(rng: random.Random) -> MetricPiece:
    """Slow music in sixteenths: a backbeat on the beats, and syncopated kicks, bass and chords between them."""
    metre = rng.choices((Metre(4, 4), Metre(3, 4), Metre(5, 4)), (0.84, 0.12, 0.04))[0]
    tempo = math.exp(rng.uniform(math.log(SIXTEENTHS[0]), math.log(SIXTEENTHS[1])))
    tempo = float(round(tempo)) if rng.random() < 0.6 else round(tempo, 1)
    session = _session(rng, metre, tempo)
    steps = 2 * session.eighths
    late = rng.choice((0.0, 0.0, 0.0, rng.uniform(0.06, 0.16)))  # swung sixteenths, in eighths
    pattern = rng.choices(BEAT_PATTERNS, (5, 4, 3, 3, 1, 1, 1, 1))[0]
    backbeats, _ = snares_of(session)

    def drawn(count: int, *, syncopated: float) -> list[float]:
        odd = [step / 2 for step in range(1, steps, 2)]
        even = [step / 2 for step in range(2, steps, 2)]
        return sorted({0.0, *(rng.choice(odd if rng.random() < syncopated else even) for _ in range(count))})

    def swung(at: float) -> float:
        return at + (late if at % 1 == 0.5 else 0.0)

    parts = []
    kind = rng.choice(("all", "all", "all", "drums", "drums+bass", "drums+chords", "bass+chords"))
    if kind == "all" or "drums" in kind:
        kicks = [at for at in drawn(rng.choice((1, 2, 2, 3, 4)), syncopated=0.5) if at not in backbeats]
        ghosts = [at for at in drawn(rng.choice((0, 0, 0, 2, 3)), syncopated=0.9)[1:] if at not in backbeats]
        cymbal = rng.choice((42, 42, 51, 70, 54))
        struck = [(swung(at), 36, 108) for at in kicks]
        struck += [(at, rng.choice((38, 40)), 106) for at in backbeats]
        struck += [(swung(at), 38, 52) for at in ghosts]
        for beat in range(session.eighths // 2):
            struck += [(swung(2 * beat + place / 2), cymbal, 86 if place == 0 else 74) for place in pattern]
        parts.append(Part("drums", in_order([*_struck(session, struck)]), rng.choice((0, 0, 8, 16, 25, 40))))
    if kind == "all" or "bass" in kind:
        at = [swung(place) for place in drawn(rng.choice((0, 1, 2, 3, 5)), syncopated=0.4)]
        parts.append(_pitched(session, "bass", at, rng.choice((0.4, 0.8, 1.6)), rng, fifth=rng.random() < 0.4))
    if kind == "all" or "chords" in kind:
        at = [swung(place) for place in drawn(rng.choice((0, 1, 2, 3, 4)), syncopated=0.4)]
        if rng.random() < 0.3:
            at = [2.0 * beat for beat in range(session.eighths // 2)]
        parts.append(_pitched(session, "other", at, rng.choice((0.4, 0.9, 1.8)), rng))
    return MetricPiece(_name(metre, "sixteenths"), tempo, metre, session.bars, tuple(parts))


def _struck(session: Session, struck: Sequence[tuple[float, int, int]]) -> Iterator[Note]:
    for bar in range(session.bars):
        if bar % 8 == 7 and session.rng.random() < 0.3:
            struck_now = [row for row in struck if row[0] < session.eighths - 2]
        else:
            struck_now = list(struck)
        for at, key, velocity in struck_now:
            yield session.note(bar, at, 0.5, key, velocity)


def _pitched(
    session: Session, stem: str, places: Sequence[float], length: float, rng: random.Random, *, fifth: bool = False
) -> Part:
    """One rhythm in every bar: the chord's root for a bass, else its tones."""
    notes = []
    for bar in range(session.bars):
        for number, at in enumerate(places):
            chord = session.chord(bar + at / session.eighths)
            if stem == "bass":
                notes.append(session.note(bar, at, length, 36 + chord[0] + (7 if fifth and number % 2 else 0), 96))
            else:
                notes += [session.note(bar, at, length, 60 + tone, 88) for tone in chord]
    programs = BASS_PROGRAMS if stem == "bass" else CHORD_PROGRAMS
    return Part(stem, in_order(notes), rng.choice(programs), gain_db=rng.uniform(-7, 2))


def _tapped(tempo_bpm: float) -> float:
    return math.exp(-0.5 * (math.log2(tempo_bpm / TAPPED_BPM) / TAPPED_OCTAVES) ** 2)


def _name(metre: Metre, kind: str) -> str:
    return f"{metre.numerator}/{metre.denominator} {kind}"
