"""Bends on a single channel, for any instrument: only where a note sounds alone, up to two semitones."""

from __future__ import annotations

from collections.abc import Sequence

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.smf.note_messages import (
    BEND_RANGE_PARAMETER,
    TickMessage,
    messages_in_order,
    note_events,
    pitch_wheel_points,
    registered_parameter,
    wheel_events,
)
from bridge.smf.ticks import NoteTicks

#: The bend range in semitones: every instrument's default; the file sets it nonetheless.
RANGE = 2


def single_channel(
    timed_notes: Sequence[NoteTicks], channel: int, quarter: int, *, with_bends: bool = True
) -> list[tuple[int, mido.Message]]:
    """The messages of a part on one channel. Bends beyond two semitones are clipped."""
    notes = [event for timed_note in timed_notes for event in note_events(timed_note, channel)]
    bends = _bends(timed_notes, channel, quarter) if with_bends else []
    settings = registered_parameter(channel, BEND_RANGE_PARAMETER, RANGE) if bends else []
    return messages_in_order([*settings, *notes, *bends])


def _bends(timed_notes: Sequence[NoteTicks], channel: int, quarter: int) -> list[TickMessage]:
    """The pitch wheel's messages: it moves during notes that sound alone, and returns to its centre after each."""
    wheel: dict[int, int] = {}
    sounding_until = 0
    for index, timed_note in enumerate(timed_notes):
        alone = timed_note.on >= sounding_until and (
            index + 1 == len(timed_notes) or timed_notes[index + 1].on >= timed_note.off
        )
        sounding_until = max(sounding_until, timed_note.off)
        if alone and timed_note.note.bends:
            wheel.update(pitch_wheel_points(timed_note, quarter, RANGE))
    return wheel_events(wheel, channel)
