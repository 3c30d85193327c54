"""Chords in MIDI files: their names as markers, and block chords as notes."""

from __future__ import annotations

from collections.abc import Sequence

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.model import Chord
from bridge.smf.ticks import ticks

#: What a DAW shows where chords pause.
NO_CHORD = "N.C."
#: Pauses shorter than this are none.
PAUSE_SECONDS = 0.01


def chord_markers(chords: Sequence[Chord], quarter: int) -> list[tuple[int, mido.MetaMessage]]:
    """A marker at the start of each chord, and of each pause, by tick at `quarter` microseconds per quarter note."""
    marks = []
    for place, chord in enumerate(chords):
        marks.append((ticks(chord.start_seconds, quarter), mido.MetaMessage("marker", text=chord.name)))
        after = chords[place + 1].start_seconds if place + 1 < len(chords) else None
        if after is not None and after - chord.end_seconds > PAUSE_SECONDS:
            marks.append((ticks(chord.end_seconds, quarter), mido.MetaMessage("marker", text=NO_CHORD)))
    return marks
