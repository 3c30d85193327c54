"""Songs in even and odd metres, slow and fast, written by hand: to judge the tempo estimate, never to fit it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.corpora.loops import Rhythm, in_order
from benchmarks.corpora.patterns import (
    ACOUSTIC_BASS,
    CLEAN,
    FINGERED_BASS,
    KEYS,
    NYLON,
    ORGAN,
    OVERDRIVE,
    PIANO,
    PICKED_BASS,
    STEEL,
    STRINGS,
    SYNTH_BASS,
    VIBRAPHONE,
    WARM_PAD,
)
from benchmarks.corpora.random_metres import MetricPiece
from benchmarks.corpora.synthesis import Part
from bridge.model import Note
from bridge.music.metre import Metre

#: Roots and chords by the bar, in semitones from C.
PROGRESSIONS = (
    ((0, (0, 4, 7)), (-3, (-3, 0, 4)), (5, (0, 5, 9)), (7, (-1, 2, 7))),
    ((2, (2, 5, 9)), (2, (2, 5, 9)), (0, (0, 4, 7)), (-2, (-2, 2, 5))),
    ((-3, (-3, 0, 4)), (5, (0, 5, 9)), (0, (0, 4, 7)), (7, (-1, 2, 7))),
    ((4, (-1, 4, 7)), (4, (-1, 4, 7)), (2, (2, 6, 9)), (4, (-1, 4, 7))),
)
#: Seconds of a song before it is cut.
SECONDS = 36.0


@dataclass(frozen=True)
class Groove:
    """One bar of each player, and the tempi at which it is played."""

    name: str
    group: str
    metre: tuple[int, int]
    tempi: tuple[int, int]
    """Quarters a minute."""
    drums: tuple[str, ...]
    """Rows of sixteenths, as in `patterns`."""
    bass: Rhythm
    """(quarter, length in quarters)."""
    chords: Rhythm
    bass_program: int = FINGERED_BASS
    chord_program: int = PIANO
    swing: float = 0.0
    """Delay of the second eighth of a quarter, in quarters."""


def _every(step: float, length: float, until: float) -> Rhythm:
    return tuple((place * step, length) for place in range(round(until / step)))


GROOVES = (
    # Four beats, slow: written in four, with the backbeat on two and four.
    Groove("slow rock", "slow", (4, 4), (50, 69), ("h-h-h-h-h-h-h-h-", "K-----k-K-------", "----S-------S---"), _every(2, 1.8, 4), _every(0.5, 0.45, 4), FINGERED_BASS, OVERDRIVE),  # noqa: E501
    Groove("slow ballad", "slow", (4, 4), (56, 74), ("h-h-h-h-h-h-h-h-", "K------kK-k-----", "----X-------X---"), ((0.0, 1.4), (1.5, 0.4), (2.0, 1.9)), _every(1, 0.95, 4)),  # noqa: E501
    Groove("slow sixteenths", "slow", (4, 4), (60, 84), ("hhhhhhhhhhhhhhhh", "K--k------k--k--", "----S--s-s--S---"), ((0.0, 0.7), (0.75, 0.7), (2.5, 0.4)), _every(2, 1.9, 4), SYNTH_BASS, WARM_PAD),  # noqa: E501
    Groove("gospel", "slow", (4, 4), (66, 84), ("r-rrr-rrr-rrr-rr", "K-----K-k-----K-", "----S--g----S--g"), ((0.0, 0.9), (1.5, 0.4), (2.0, 0.9), (3.5, 0.4)), ((0.0, 0.9), (1.0, 0.9), (2.75, 0.4), (3.0, 0.9)), FINGERED_BASS, ORGAN),  # noqa: E501
    # Four beats, usual.
    Groove("rock", "four", (4, 4), (84, 150), ("h-h-h-h-h-h-h-h-", "K-----k-K-k-----", "----S-------S---"), _every(0.5, 0.45, 4), _every(1, 0.9, 4), PICKED_BASS, OVERDRIVE),  # noqa: E501
    Groove("four on the floor", "four", (4, 4), (118, 146), ("K---K---K---K---", "--h---h---h---h-", "----S-------S---"), _every(1, 0.9, 4), ((0.5, 0.3), (1.5, 0.3), (2.5, 0.3), (3.5, 0.3)), SYNTH_BASS, WARM_PAD),  # noqa: E501
    Groove("kicks alone", "four", (4, 4), (110, 140), ("K---K---K---K---", "--o---o---o---o-"), _every(0.5, 0.4, 4), _every(4, 3.9, 4), SYNTH_BASS, STRINGS),  # noqa: E501
    Groove("pop", "four", (4, 4), (88, 128), ("q-q-q-q-q-q-q-q-", "K--k--k-K-----k-", "----S-------S---"), ((0.0, 0.7), (0.75, 0.7), (1.5, 0.4), (2.0, 1.8)), _every(2, 1.9, 4), FINGERED_BASS, CLEAN),  # noqa: E501
    Groove("swing", "four", (4, 4), (120, 190), ("r---r-r-r---r-r-", "----h-------h---"), _every(1, 0.9, 4), ((0.0, 0.9), (1.5, 0.4)), ACOUSTIC_BASS, VIBRAPHONE, 0.167),  # noqa: E501
    # Four beats, fast.
    Groove("fast rock", "fast", (4, 4), (160, 220), ("h---h---h---h---", "K---K-k-K---K---", "----S-------S---"), _every(0.5, 0.45, 4), _every(0.5, 0.4, 4), PICKED_BASS, OVERDRIVE),  # noqa: E501
    Groove("fast pop", "fast", (4, 4), (160, 205), ("h-h-h-h-h-h-h-h-", "K-----k-K-------", "----S-------S---"), _every(1, 0.9, 4), _every(1, 0.5, 4), PICKED_BASS, CLEAN),  # noqa: E501
    Groove("polka", "fast", (4, 4), (180, 225), ("K-------K-------", "----S-------S---"), _every(2, 0.9, 4), ((1.0, 0.4), (3.0, 0.4)), ACOUSTIC_BASS, NYLON),  # noqa: E501
    Groove("drum and bass", "fast", (4, 4), (164, 178), ("h-h-h-h-h-h-h-h-", "K---------K-----", "----S--s-s--S---"), ((0.0, 2.4), (2.5, 1.4)), _every(4, 3.9, 4), SYNTH_BASS, WARM_PAD),  # noqa: E501
    # Three.
    Groove("waltz", "3/4", (3, 4), (84, 190), ("K-----------", "----h---h---"), ((0.0, 0.9),), ((1.0, 0.5), (2.0, 0.5)), ACOUSTIC_BASS, PIANO),  # noqa: E501
    Groove("rock waltz", "3/4", (3, 4), (84, 140), ("h-h-h-h-h-h-", "K---------k-", "----S---S---"), ((0.0, 1.4), (1.5, 0.4), (2.0, 0.9)), _every(3, 2.9, 3), PICKED_BASS, CLEAN),  # noqa: E501
    Groove("jazz waltz", "3/4", (3, 4), (120, 185), ("r---r-r-r---", "k-------k---", "----h-------"), _every(1, 0.9, 3), ((0.0, 1.3), (1.5, 1.3)), ACOUSTIC_BASS, PIANO, 0.167),  # noqa: E501
    Groove("slow three", "3/4", (3, 4), (66, 96), ("hhhhhhhhhhhh", "K-----k-----", "--------S---"), ((0.0, 1.9), (2.0, 0.9)), _every(0.5, 0.45, 3), FINGERED_BASS, STEEL),  # noqa: E501
    Groove("oom-pah-pah", "3/4", (3, 4), (90, 180), (), ((0.0, 0.9),), ((1.0, 0.5), (2.0, 0.5)), ACOUSTIC_BASS, NYLON),
    # Six eighths, in two dotted quarters.
    Groove("6/8 ballad", "6/8", (6, 8), (84, 135), ("h-h-h-h-h-h-", "K-----------", "------S-----"), ((0.0, 1.4), (1.5, 1.4)), _every(0.5, 0.45, 3)),  # noqa: E501
    Groove("6/8 rock", "6/8", (6, 8), (100, 190), ("h-h-h-h-h-h-", "K---k-----k-", "------S-----"), ((0.0, 1.4), (1.5, 0.9), (2.5, 0.4)), _every(1.5, 1.4, 3), PICKED_BASS, OVERDRIVE),  # noqa: E501
    Groove("6/8 folk", "6/8", (6, 8), (120, 200), ("K-----K-----", "--h-h---h-h-"), ((0.0, 1.4), (1.5, 1.4)), ((0.0, 0.5), (1.0, 0.4), (1.5, 0.5), (2.5, 0.4)), ACOUSTIC_BASS, STEEL),  # noqa: E501
    Groove("6/8 arpeggio", "6/8", (6, 8), (84, 150), (), ((0.0, 2.8),), _every(0.5, 0.6, 3), FINGERED_BASS, NYLON),
    # Five and seven.
    Groove("five, three and two", "5/4", (5, 4), (105, 175), ("r-r-r-r-r-r-r-r-r-r-", "K-----k-----K-------", "--------S-------S---"), ((0.0, 1.4), (1.5, 1.4), (3.0, 0.9), (4.0, 0.9)), ((0.0, 1.4), (1.5, 1.4), (3.0, 1.9)), ACOUSTIC_BASS, PIANO),  # noqa: E501
    Groove("five rock", "5/4", (5, 4), (90, 145), ("h-h-h-h-h-h-h-h-h-h-", "K-------K-----k-----", "----S-------S-------"), _every(0.5, 0.45, 5), _every(5, 4.9, 5), PICKED_BASS, OVERDRIVE),  # noqa: E501
    Groove("seven eighths", "7/8", (7, 8), (110, 210), ("h-h-h-h-h-h-h-", "K-------k-----", "----S-------S-"), ((0.0, 0.9), (1.0, 0.9), (2.0, 1.4)), ((0.0, 0.9), (2.0, 1.4)), PICKED_BASS, CLEAN),  # noqa: E501
    Groove("balkan", "7/8", (7, 8), (130, 220), ("K-----k---k---", "--h-h---h---h-"), ((0.0, 1.4), (1.5, 0.9), (2.5, 0.9)), ((0.0, 0.4), (1.5, 0.4), (2.5, 0.4)), ACOUSTIC_BASS, NYLON),  # noqa: E501
    Groove("seven quarters", "7/4", (7, 4), (100, 150), ("h-h-h-h-h-h-h-h-h-h-h-h-h-h-", "K---------k-----K-------k---", "----S-------S-------S-------"), ((0.0, 0.9), (1.0, 0.4), (1.5, 0.4), (3.0, 0.9), (4.0, 1.9), (6.0, 0.9)), _every(7, 6.9, 7)),  # noqa: E501
)  # fmt: skip


def song(seed: int) -> tuple[Groove, MetricPiece]:
    """A groove, drawn in turn, at a random tempo with some of its players, a fill every eighth bar, human timing."""
    rng = random.Random(f"metres {seed}")
    groove = GROOVES[seed % len(GROOVES)]
    metre = Metre.of(groove.metre)
    drawn = rng.uniform(*groove.tempi)
    tempo = float(round(drawn)) if rng.random() < 0.6 else round(drawn, 1)
    bars = round(SECONDS / metre.bar_seconds(tempo)) + 1
    progression, late = rng.choice(PROGRESSIONS), rng.choice((0.0, 0.005))
    players = rng.choice((("drums", "bass"), ("drums", "bass", "chords"), ("drums", "bass", "chords")))
    key = rng.randrange(-4, 5)

    def note(bar: int, quarter: float, length: float, pitch: int, velocity: int) -> Note:
        swung = quarter + (groove.swing if quarter % 1 == 0.5 else 0.0)
        onset = max(0.0, (bar * metre.bar_quarters + swung) * 60 / tempo + rng.gauss(0, late))
        return Note(
            onset_seconds=onset,
            offset_seconds=onset + max(0.05, length * 60 / tempo - 0.01),
            pitch=pitch,
            velocity=velocity + rng.randrange(-5, 6),
        )

    def drums() -> Iterator[Note]:
        for bar in range(bars):
            fill = bar % 8 == 7
            for row in groove.drums:
                for step, letter in enumerate(row):
                    if letter.lower() in KEYS and not (fill and step >= len(row) - 4):
                        yield note(bar, step / 4, 0.2, KEYS[letter.lower()], 110 if letter.isupper() else 86)
            if fill and groove.drums:
                for step in range(4):
                    yield note(bar, metre.bar_quarters - 1 + step / 4, 0.2, KEYS["tsmf"[step]], 100)

    def bass() -> Iterator[Note]:
        for bar in range(bars):
            root, _ = progression[bar % len(progression)]
            for place, (quarter, length) in enumerate(groove.bass):
                leap = 7 if place % 3 == 2 else 0
                yield note(bar, quarter, length, 40 + key + root + leap, 98 if place == 0 else 88)

    def chords() -> Iterator[Note]:
        for bar in range(bars):
            _, chord = progression[bar % len(progression)]
            for quarter, length in groove.chords:
                for tone in chord:
                    yield note(bar, quarter, length, 62 + key + tone, 90)

    makers = {
        "drums": lambda: Part("drums", in_order([*drums()]), rng.choice((0, 8, 16, 25, 40))),
        "bass": lambda: Part("bass", in_order([*bass()]), groove.bass_program, gain_db=-2),
        "chords": lambda: Part("other", in_order([*chords()]), groove.chord_program, gain_db=rng.uniform(-7, -2)),
    }
    chosen = players if groove.drums else ("bass", "chords")
    parts = tuple(makers[player]() for player in chosen)
    return groove, MetricPiece(groove.name, tempo, metre, bars, tuple(replace(part) for part in parts))
