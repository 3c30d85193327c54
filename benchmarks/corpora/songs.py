"""Short composed songs, a part for each player, for measuring the draft engine.

They differ in tempo, key, drum patterns, instruments, panning, and in which parts are missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.corpora.patterns import (
    ACOUSTIC_BASS,
    CELLO,
    CLEAN,
    DISTORTION,
    FINGERED_BASS,
    ORGAN,
    OVERDRIVE,
    PIANO,
    PICKED_BASS,
    SAW_LEAD,
    SAX,
    SLAP_BASS,
    STEEL,
    STRINGS,
    SYNTH_BASS,
    TRUMPET,
    VIOLIN,
    WARM_PAD,
    Pulse,
    chords,
    drums,
    line,
    melody,
    melody_at,
    roots,
)
from benchmarks.corpora.synthesis import SINGER, Part

EIGHTHS = [(step / 2, 0.45, 0) for step in range(8)]
VERSE = melody(
    (0, "4:0.5 7:0.5 9:1 7:0.5 4:1.5"),
    (4.5, "2:0.5 4:0.5 5:1 4:0.5 2:1"),
    (8, "0:0.5 4:0.5 7:2"),
    (11.5, "9:0.5 7:1 5:0.5 4:2"),
)
CHANT = melody(
    (0.5, "0:0.5 0:0.5 3:0.5 5:1 3:0.5"),
    (4, "7:1.5 5:0.5 3:1"),
    (8.5, "0:0.5 3:0.5 5:0.5 7:1 10:1"),
    (13, "7:0.5 5:0.5 3:1.5"),
)
BALLAD = melody((0, "7:2 9:0.5 7:0.5 4:1"), (4, "5:3"), (8, "4:1 2:1 0:1.5"), (12, "2:1 4:0.5 2:2"))


@dataclass(frozen=True)
class Song:
    """A song: its parts and how they are mixed."""

    name: str
    parts: tuple[Part, ...]
    mono: bool = False
    """True: both channels of the mix are its mean."""


def rock() -> Song:
    pulse = Pulse(118)
    return Song(
        "rock",
        (
            line("vocals", pulse, SINGER, melody_at(VERSE, 4), gain_db=1),
            drums(pulse, "h-h-h-h-h-h-h-h-", "K-------k-k-----", "----S-------S---", fill="K---S-ssmmttffFC"),
            roots(pulse, PICKED_BASS, (28, 36, 31, 38), EIGHTHS),
            chords(
                pulse,
                DISTORTION,
                ((52, 59, 64), (48, 55, 60), (55, 62, 67), (50, 57, 62)),
                ((0, 1.9), (2, 1.9)),
                pan=-0.7,
                gain_db=-4,
            ),
            chords(
                pulse,
                OVERDRIVE,
                ((52, 59, 64), (48, 55, 60), (55, 62, 67), (50, 57, 62)),
                ((0, 3.9),),
                pan=0.7,
                gain_db=-5,
            ),
        ),
    )


def ballad() -> Song:
    pulse = Pulse(72)
    return Song(
        "ballad",
        (
            line("vocals", pulse, SINGER, melody_at(BALLAD, 5), gain_db=2),
            drums(pulse, "h---h---h---h---", "K-----k---------", "--------S-------", gain_db=-2),
            roots(pulse, FINGERED_BASS, (41, 38, 34, 36), ((0, 2.4, 0), (2.5, 1.4, 7)), gain_db=-1),
            chords(
                pulse,
                PIANO,
                ((53, 60, 65, 69), (53, 57, 62, 65), (53, 58, 62, 65), (52, 55, 60, 67)),
                ((0, 1.9), (2, 0.9), (3, 0.9)),
                pan=-0.3,
                gain_db=-3,
            ),
            chords(
                pulse,
                STRINGS,
                ((65, 69, 72), (65, 69, 74), (65, 70, 74), (64, 67, 72)),
                ((0, 4),),
                pan=0.35,
                gain_db=-6,
            ),
        ),
    )


def funk() -> Song:
    pulse = Pulse(104)
    slap = ((0, 0.3, 0), (0.75, 0.2, 12), (1.5, 0.3, 0), (2, 0.2, 10), (2.5, 0.2, 12), (3.25, 0.2, 7), (3.5, 0.3, 24))
    return Song(
        "funk",
        (
            line("vocals", pulse, SINGER, melody_at(CHANT, 9), gain_db=0),
            drums(pulse, "hhhhhhohhhhhhhoh", "K--k--k---kk----", "----S--s-s--S--s"),
            roots(pulse, SLAP_BASS, (28, 28, 33, 31), slap, gain_db=1),
            chords(
                pulse,
                CLEAN,
                ((64, 67, 71, 74),) * 2 + ((64, 67, 69, 72), (65, 67, 71, 74)),
                ((0.5, 0.2), (1.25, 0.2), (1.75, 0.2), (2.75, 0.2), (3.5, 0.2)),
                pan=0.5,
                gain_db=-4,
            ),
            chords(
                pulse,
                ORGAN,
                ((55, 62, 64), (55, 62, 64), (57, 60, 64), (55, 59, 65)),
                ((0, 3.8),),
                pan=-0.5,
                gain_db=-7,
            ),
        ),
    )


def dance() -> Song:
    pulse = Pulse(127)
    return Song(
        "dance",
        (
            line("vocals", pulse, SINGER, melody_at(VERSE, 12), gain_db=0),
            drums(pulse, "K---K---K---K---", "--o---o---o---o-", "----S-------S---", kit=25, gain_db=2),
            roots(pulse, SYNTH_BASS, (33, 29, 36, 31), [(step / 2 + 0.25, 0.22, 12 * (step % 2)) for step in range(8)]),
            chords(
                pulse,
                WARM_PAD,
                ((57, 60, 64, 69), (57, 60, 65, 69), (55, 60, 64, 67), (55, 59, 62, 67)),
                ((0, 4),),
                gain_db=-5,
            ),
            line(
                "other",
                pulse,
                SAW_LEAD,
                [(step / 4, 0.2, 69 + (0, 3, 7, 12)[step % 4]) for step in range(16)],
                beats=4,
                pan=0.2,
                gain_db=-9,
            ),
        ),
    )


def jazz() -> Song:
    pulse = Pulse(148, swing=0.17)
    walk = [(beat, 0.9, (0, 4, 7, 9, 10, 9, 7, 4, 5, 9, 12, 9, 7, 5, 4, 2)[beat] + 36) for beat in range(16)]
    sax = melody(
        (0.5, "7:0.5 9:0.5 10:0.5 14:1 12:0.5"),
        (4, "10:0.5 9:0.5 7:1 5:0.5 4:0.5 2:1"),
        (9, "0:0.5 2:0.5 4:0.5 7:1.5 9:1"),
    )
    return Song(
        "jazz instrumental",
        (
            drums(pulse, "r---r-r-r---r-r-", "----h-------h---", "k-----------k---", "------x---------", gain_db=-2),
            line("bass", pulse, ACOUSTIC_BASS, walk),
            chords(
                pulse,
                PIANO,
                ((58, 62, 64, 69), (57, 60, 63, 67), (58, 62, 65, 69), (56, 60, 62, 67)),
                ((0.5, 0.4), (2.5, 1)),
                pan=-0.4,
                gain_db=-4,
            ),
            line("other", pulse, SAX, sax, gain_db=-1),
        ),
    )


def reggae() -> Song:
    pulse = Pulse(80, swing=0.1)
    return Song(
        "reggae, low voice",
        (
            line("vocals", pulse, SINGER, melody_at(CHANT, -7), gain_db=1),
            drums(pulse, "h-h-h-h-h-h-h-h-", "--------K-------", "--------X---g-g-", fill="K-ttmm--ffttS---"),
            roots(
                pulse,
                FINGERED_BASS,
                (33, 38, 33, 31),
                ((0, 0.9, 0), (1.5, 0.4, 3), (2, 0.9, 7), (3.5, 0.4, 5)),
                gain_db=2,
            ),
            chords(
                pulse,
                CLEAN,
                ((57, 60, 64), (57, 62, 65), (57, 60, 64), (55, 59, 62)),
                ((1, 0.2), (3, 0.2)),
                pan=0.4,
                gain_db=-3,
            ),
            chords(
                pulse,
                ORGAN,
                ((69, 72, 76), (69, 74, 77), (69, 72, 76), (67, 71, 74)),
                ((0.5, 0.3), (1.5, 0.3), (2.5, 0.3), (3.5, 0.3)),
                pan=-0.4,
                gain_db=-6,
            ),
        ),
    )


def guitar_solo() -> Song:
    pulse = Pulse(96)
    solo = melody(
        (0, "12:0.5 15:0.5 17:1 19:0.5 22:1.5"),
        (4.5, "24:0.25 22:0.25 19:0.5 17:0.5 15:1"),
        (8, "12:3"),
        (12, "15:0.5 17:0.5 19:2"),
    )
    return Song(
        "guitar solo instrumental",
        (
            drums(pulse, "h-h-h-h-h-h-h-h-", "K---k---K--k----", "----S-------S---", fill="K---SsssmmmmffF-"),
            roots(pulse, PICKED_BASS, (36, 34, 32, 34), ((0, 1.4, 0), (1.5, 0.4, 0), (2, 1.9, 0))),
            chords(
                pulse,
                STEEL,
                ((48, 55, 60, 63), (46, 53, 58, 62), (44, 51, 56, 60), (46, 53, 58, 62)),
                ((0, 0.9), (1, 0.4), (1.5, 0.9), (2.5, 0.4), (3, 0.9)),
                pan=-0.6,
                gain_db=-4,
                strum_seconds=0.012,
            ),
            line("other", pulse, OVERDRIVE, solo, gain_db=-1),
        ),
    )


def folk() -> Song:
    pulse = Pulse(92)
    return Song(
        "folk, no drums",
        (
            line("vocals", pulse, SINGER, melody_at(VERSE, 2), gain_db=1),
            roots(pulse, ACOUSTIC_BASS, (38, 43, 45, 38), ((0, 1.8, 0), (2, 1.8, 7)), gain_db=-3),
            chords(
                pulse,
                STEEL,
                ((50, 57, 62, 66), (55, 59, 62, 67), (57, 61, 64, 69), (50, 57, 62, 66)),
                ((0, 0.9), (1, 0.4), (1.5, 0.4), (2, 0.9), (3, 0.4), (3.5, 0.4)),
                pan=0.25,
                strum_seconds=0.015,
            ),
        ),
    )


def latin() -> Song:
    pulse = Pulse(176)
    return Song(
        "latin, trumpet beside voice",
        (
            line("vocals", pulse, SINGER, melody_at(CHANT, 4), gain_db=1),
            drums(pulse, "q-q-q-q-q-q-q-q-", "x--x--x---x-x---", "--g---gg--g---gg", "K-------K-------", gain_db=-1),
            roots(pulse, ACOUSTIC_BASS, (36, 41, 43, 41), ((0, 1.4, 0), (1.5, 1.4, 7), (3, 0.9, 12))),
            chords(
                pulse,
                PIANO,
                ((60, 64, 72), (60, 65, 72), (59, 65, 71), (60, 65, 72)),
                ((0, 0.4), (1, 0.4), (1.5, 0.4), (2.5, 0.4), (3.5, 0.4)),
                pan=-0.35,
                gain_db=-2,
            ),
            line(
                "other",
                pulse,
                TRUMPET,
                melody(
                    (2, "12:0.5 16:0.5 19:1 16:0.5 12:1"),
                    (10, "14:0.5 17:0.5 19:1.5"),
                ),
                pan=0.45,
                gain_db=-2,
            ),
        ),
    )


def quartet() -> Song:
    pulse = Pulse(84)
    return Song(
        "string quartet",
        (
            line("other", pulse, VIOLIN, melody_at(VERSE, 12), pan=-0.5),
            line("other", pulse, VIOLIN, melody_at(BALLAD, 4), pan=-0.15, gain_db=-2),
            line("other", pulse, CELLO, [(beat, 0.9, 36 + (0, 7, 12, 7)[beat % 4]) for beat in range(16)], pan=0.5),
        ),
    )


def only(song: Song, name: str, *stems: str) -> Song:
    return Song(name, tuple(part for part in song.parts if part.stem in stems))


def songs() -> tuple[Song, ...]:
    """All songs, in the order of the report."""
    first, second = rock(), ballad()
    off_centre = tuple(replace(part, pan=0.3) if part.stem == "vocals" else part for part in first.parts)
    return (
        first,
        second,
        funk(),
        dance(),
        reggae(),
        latin(),
        folk(),
        Song("rock, voice off centre", off_centre),
        replace(second, name="ballad, mono", mono=True),
        replace(funk(), name="funk, mono", mono=True),
        only(funk(), "funk without voice", "drums", "bass", "other"),
        jazz(),
        guitar_solo(),
        quartet(),
        only(second, "voice alone", "vocals"),
        only(first, "drums alone", "drums"),
        only(funk(), "bass alone", "bass"),
    )
