"""Short composed pieces with known notes, for measuring the transcribers."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.corpora.patterns import (
    CELLO,
    CLEAN,
    DISTORTION,
    FINGERED_BASS,
    FLUTE,
    NYLON,
    PIANO,
    SAW_LEAD,
    SAX,
    SLAP_BASS,
    STRINGS,
    SYNTH_BASS,
    VIOLIN,
    Pulse,
    chords,
    drums,
    line,
    melody,
)
from benchmarks.corpora.synthesis import SINGER, Part


@dataclass(frozen=True)
class Etude:
    """One part, to be transcribed as one kind of stem."""

    name: str
    as_stem: str
    """The stem that the transcriber is called with."""
    part: Part


SLOW, MEDIUM, FAST = Pulse(76), Pulse(112), Pulse(164)

TUNE = melody(
    (0, "0:1 2:0.5 4:0.5 7:1.5 5:0.5"), (4, "4:1 2:1 0:2"), (8, "9:0.5 7:0.5 5:0.5 4:0.5 2:1 7:1"), (12, "4:1 -1:1 0:2")
)
RUN = [(step / 4, 0.25, 60 + (0, 2, 3, 5, 7, 8, 10, 12, 14, 12, 10, 8, 7, 5, 3, 2)[step % 16]) for step in range(64)]
REPEATED = [(step / 2, 0.4, 64 + (0, 0, 0, 0, 3, 3, 5, 5)[step // 2 % 8]) for step in range(32)]
HARMONY = ((48, 55, 60, 64), (45, 52, 57, 60), (41, 53, 57, 60), (43, 55, 59, 62))
BASS_LINE = [(beat / 2, 0.45, (28, 28, 40, 28, 31, 33, 28, 35)[beat % 8]) for beat in range(32)]
WALK = [(float(beat), 0.9, 36 + (0, 4, 7, 9, 10, 9, 7, 4, 5, 9, 12, 9, 7, 5, 4, 2)[beat]) for beat in range(16)]


def etudes() -> tuple[Etude, ...]:
    """The pitched pieces, at three tempi, in the order of the report."""
    whole, rhythm = ((0.0, 3.8),), ((0.0, 0.9), (1.0, 0.9), (2.0, 0.4), (2.5, 0.4), (3.0, 0.9))
    return (
        Etude("piano, tune", "piano", line("piano", MEDIUM, PIANO, TUNE)),
        Etude("piano, chords", "piano", _as("piano", chords(SLOW, PIANO, HARMONY, rhythm))),
        Etude("piano, fast run", "piano", line("piano", FAST, PIANO, RUN)),
        Etude(
            "nylon guitar, strummed",
            "guitar",
            _as("guitar", chords(MEDIUM, NYLON, HARMONY, rhythm, strum_seconds=0.015)),
        ),
        Etude("clean guitar, repeated notes", "guitar", line("guitar", FAST, CLEAN, REPEATED)),
        Etude(
            "distorted guitar, fifths",
            "guitar",
            _as("guitar", chords(MEDIUM, DISTORTION, ((40, 47), (43, 50), (45, 52), (38, 45)), rhythm)),
        ),
        Etude("fingered bass, eighths", "bass", line("bass", MEDIUM, FINGERED_BASS, BASS_LINE)),
        Etude("slap bass, fast eighths", "bass", line("bass", FAST, SLAP_BASS, BASS_LINE)),
        Etude("synth bass, walking", "bass", line("bass", MEDIUM, SYNTH_BASS, WALK)),
        Etude("sax, tune", "other", line("other", SLOW, SAX, TUNE)),
        Etude("sax, fast run", "other", line("other", FAST, SAX, RUN)),
        Etude("flute, repeated notes", "other", line("other", MEDIUM, FLUTE, REPEATED)),
        Etude("strings, chords", "other", chords(SLOW, STRINGS, HARMONY, whole)),
        Etude(
            "violin and cello",
            "other",
            _together(line("other", MEDIUM, VIOLIN, TUNE), line("other", MEDIUM, CELLO, WALK)),
        ),
        Etude("synth lead, run", "other", line("other", MEDIUM, SAW_LEAD, RUN)),
        Etude("voice, tune", "vocals", line("vocals", SLOW, SINGER, TUNE)),
        Etude("voice, faster", "vocals", line("vocals", FAST, SINGER, TUNE)),
    )


def drum_etudes() -> tuple[Etude, ...]:
    """Patterns of kick, snare and hi-hat, some with other drums."""
    swung = Pulse(96, swing=0.17)
    return (
        Etude("rock", "drums", drums(MEDIUM, "h-h-h-h-h-h-h-h-", "K-------K-k-----", "----S-------S---")),
        Etude(
            "rock with fills",
            "drums",
            drums(MEDIUM, "h-h-h-h-h-h-h-h-", "K-----k-K-------", "----S-------S---", fill="K---S-ssmmttffFC"),
        ),
        Etude(
            "funk, ghost notes", "drums", drums(Pulse(100), "hhhhhhohhhhhhhoh", "K--k--k---kk----", "----S--s-s--S--s")
        ),
        Etude(
            "four on the floor",
            "drums",
            drums(Pulse(128), "K---K---K---K---", "--o---o---o---o-", "----S-------S---", kit=25),
        ),
        Etude(
            "slow, room kit", "drums", drums(SLOW, "h---h---h---h---", "K-----k---------", "--------S-------", kit=8)
        ),
        Etude(
            "swing on the ride",
            "drums",
            drums(swung, "r---r-r-r---r-r-", "----h-------h---", "k-----k-----k---", "------s-------s-"),
        ),
        Etude("fast punk", "drums", drums(FAST, "h-h-h-h-h-h-h-h-", "K-k-----K-k-----", "----S-------S---")),
    )


def _as(stem: str, part: Part) -> Part:
    return Part(stem, part.notes, part.program, part.pan, part.gain_db)


def _together(first: Part, second: Part) -> Part:
    """Both parts' notes on the first one's instrument, in order."""
    notes = sorted((*first.notes, *second.notes), key=lambda note: (note.onset_seconds, note.pitch))
    return Part(first.stem, tuple(notes), first.program)
