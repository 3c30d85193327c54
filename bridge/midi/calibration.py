"""Measures how late a DAW records notes that were sent on its beats. Pure.

While it follows the DAW, the bridge plays `CLICKS` notes, one on each beat and each of a different pitch; the DAW
records them. The offset is the distance of each recorded note from the nearest beat. Which beat that is does not
matter, so a count-in or a clip that begins at bar 17 changes nothing, but offsets of more than half a beat cannot be
measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from bridge.errors import BadArguments
from bridge.midi.schedule import is_note_on
from bridge.model import Note
from bridge.smf.reading import TimedMessage
from bridge.units import DEFAULT_TEMPO_BPM
from bridge.value import Value

CLICKS = 16
#: With fewer clicks, the notes belong to something else or the take failed.
MIN_CLICKS = 8
FIRST_PITCH = 60
#: A note of the right pitch that is further than this from the other clicks is not one of ours.
TOLERANCE_SECONDS = 0.05
#: Clicks with a larger median deviation than this give no usable offset.
MAX_SPREAD_MS = 15.0
#: Sixteen clicks in each of several takes.
MAX_HITS = 1000
ADVICE = "Record what `sab calibrate --play` plays while it follows your DAW, and export that clip with its tempo."


class Calibration(Value, frozen=True, kw_only=True):
    """The result of a calibration."""

    late_ms: float
    """Median distance of the clicks from their beats; negative: they were early."""
    spread_ms: float
    """Median absolute deviation from `late_ms`."""
    clicks: int
    """Number of clicks found, at most `CLICKS`."""

    @property
    def offset_ms(self) -> float:
        """The offset that compensates for `late_ms`."""
        return round(-self.late_ms, 2) + 0.0


class _Hit(NamedTuple):
    """A recorded note of one of the clicks' pitches."""

    click: int
    quarters: float
    quarter_seconds: float
    """Length of a quarter note there, from the next note: precise enough for a few milliseconds."""


def clicks(tempo_bpm: float, seconds_long: float = 0.1) -> list[Note]:
    """The notes to play: one on each beat, each a semitone above the last, so that every click is recognisable."""
    beat = 60 / tempo_bpm
    return [
        Note(
            onset_seconds=click * beat,
            offset_seconds=click * beat + seconds_long,
            pitch=FIRST_PITCH + click,
            velocity=100,
        )
        for click in range(CLICKS)
    ]


def calibrate(recorded: Iterable[TimedMessage]) -> Calibration:
    """Finds the clicks in a recording, ignoring all other notes, and measures how late they are.

    Raises:
        BadArguments: fewer than `MIN_CLICKS` are there one beat apart, or their timing is too uneven.
    """
    hits = _find_hits(recorded)
    found = max((_hits_of_one_take(hits, first) for first in hits), key=len, default=[])
    if len(found) < MIN_CLICKS:
        raise BadArguments(
            f"{len(found)} of the {CLICKS} clicks are in this recording, one beat apart.",
            advice=ADVICE,
        )
    late_ms = [1000 * _lateness(hit) for hit in found]
    center = median(late_ms)
    spread = median(abs(late - center) for late in late_ms)
    if spread > MAX_SPREAD_MS:
        raise BadArguments(
            f"The clicks are too uneven to measure: half of them are more than {spread:.0f} ms from the median.",
            advice="Close busy programs, switch quantising off in the DAW, and record the clicks again.",
        )
    return Calibration(late_ms=round(center, 3), spread_ms=round(spread, 3), clicks=len(found))


def _find_hits(recorded: Iterable[TimedMessage]) -> list[_Hit]:
    """Raises BadArguments if there are far more than `CLICKS` in each of a few takes."""
    clicks = range(FIRST_PITCH, FIRST_PITCH + CLICKS)
    messages = [message for message in recorded if is_note_on(message.data) and message.data[1] in clicks]
    if len(messages) > MAX_HITS:
        raise BadArguments(f"{len(messages)} notes of the clicks' pitches are in this recording.", advice=ADVICE)
    neighbours = [*messages[1:], *messages[-2:-1]]
    return [
        _Hit(message.data[1] - FIRST_PITCH, message.quarters, _quarter_seconds(message, neighbour))
        for message, neighbour in zip(messages, neighbours, strict=False)
    ]


def _quarter_seconds(message: TimedMessage, neighbour: TimedMessage) -> float:
    quarters = neighbour.quarters - message.quarters
    return (neighbour.seconds - message.seconds) / quarters if quarters else 60 / DEFAULT_TEMPO_BPM


def _hits_of_one_take(hits: Sequence[_Hit], first: _Hit) -> list[_Hit]:
    """One hit for each click: the nearest to where it should be, given that `first` is where it should be."""
    chosen: dict[int, tuple[float, _Hit]] = {}
    for hit in hits:
        deviation = abs((hit.quarters - hit.click) - (first.quarters - first.click)) * hit.quarter_seconds
        if deviation <= TOLERANCE_SECONDS and (hit.click not in chosen or deviation < chosen[hit.click][0]):
            chosen[hit.click] = (deviation, hit)
    return [hit for _, hit in chosen.values()]


def _lateness(hit: _Hit) -> float:
    """Seconds after the nearest beat."""
    return (hit.quarters - round(hit.quarters)) * hit.quarter_seconds
