"""What a DAW has made of notes that were sent on its beats: how late it records them. Pure.

The bridge plays `CLICKS` notes, each of its own pitch, one a beat, while it follows the DAW; the DAW records them. In
the recording each lies beside a beat: by how much is the offset. Which beat does not matter, so that a count-in, or a
clip that begins at bar 17, changes nothing – but nothing larger than half a beat can be told either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from bridge.errors import BadArguments
from bridge.midi.schedule import is_note_on
from bridge.model import Note, Value
from bridge.smf.reading import TimedMessage
from bridge.units import DEFAULT_TEMPO_BPM

CLICKS = 16
#: Fewer than this are somebody else's notes, or a take that went wrong.
ENOUGH = 8
FIRST_PITCH = 60
#: Further from the others than this, a note of the right pitch was not played by the bridge.
TOLERANCE_SECONDS = 0.05
#: Clicks that lie further apart than this tell nothing: half of them are within the median's own distance.
MAX_SPREAD_MS = 15.0
#: Sixteen clicks and some takes before they were right.
MAX_STRIKES = 1000
ADVICE = "Record what `sab calibrate --play` plays while it follows your DAW, and export that clip with its tempo."


class Calibration(Value, frozen=True, kw_only=True):
    """What was found."""

    late_ms: float
    """The median distance of the clicks from their beats; negative: they were early."""
    spread_ms: float
    """Half of them are no further than this from the median."""
    clicks: int
    """How many were found, of `CLICKS`."""

    @property
    def offset_ms(self) -> float:
        """What makes up for it."""
        return round(-self.late_ms, 2) + 0.0


class _Strike(NamedTuple):
    """A note of one of the clicks' pitches."""

    click: int
    quarters: float
    quarter_seconds: float
    """How long a quarter is there: from its neighbour, which is near enough for some milliseconds."""


def clicks(tempo_bpm: float, seconds_long: float = 0.1) -> list[Note]:
    """The notes to be played: one a beat, rising by a semitone, so that each can be told from the others."""
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
    """Finds the clicks in a recording, among whatever else is there, and says how late they are.

    Raises:
        BadArguments: fewer than `ENOUGH` are there one beat apart, or they are too uneven.
    """
    strikes = _strikes(recorded)
    found = max((_of_one_take(strikes, first) for first in strikes), key=len, default=[])
    if len(found) < ENOUGH:
        raise BadArguments(
            f"{len(found)} of the {CLICKS} clicks are in this recording, one beat apart.",
            advice=ADVICE,
        )
    late_ms = [1000 * _lateness(strike) for strike in found]
    middle = median(late_ms)
    spread = median(abs(late - middle) for late in late_ms)
    if spread > MAX_SPREAD_MS:
        raise BadArguments(
            f"The clicks lie too unevenly to tell an offset: half are more than {spread:.0f} ms from the others.",
            advice="Close what keeps the machine busy, switch quantising off, and record them again.",
        )
    return Calibration(late_ms=round(middle, 3), spread_ms=round(spread, 3), clicks=len(found))


def _strikes(recorded: Iterable[TimedMessage]) -> list[_Strike]:
    """Raises BadArguments where there are far more than anybody can have recorded."""
    clicks = range(FIRST_PITCH, FIRST_PITCH + CLICKS)
    messages = [message for message in recorded if is_note_on(message.data) and message.data[1] in clicks]
    if len(messages) > MAX_STRIKES:
        raise BadArguments(f"{len(messages)} notes of the clicks' pitches are in this recording.", advice=ADVICE)
    neighbours = [*messages[1:], *messages[-2:-1]]
    return [
        _Strike(message.data[1] - FIRST_PITCH, message.quarters, _quarter_seconds(message, neighbour))
        for message, neighbour in zip(messages, neighbours, strict=False)
    ]


def _quarter_seconds(message: TimedMessage, neighbour: TimedMessage) -> float:
    quarters = neighbour.quarters - message.quarters
    return (neighbour.seconds - message.seconds) / quarters if quarters else 60 / DEFAULT_TEMPO_BPM


def _of_one_take(strikes: Sequence[_Strike], first: _Strike) -> list[_Strike]:
    """One strike for each click, the nearest to where it should be if `first` is where it should be."""
    chosen: dict[int, tuple[float, _Strike]] = {}
    for strike in strikes:
        off = abs((strike.quarters - strike.click) - (first.quarters - first.click)) * strike.quarter_seconds
        if off <= TOLERANCE_SECONDS and (strike.click not in chosen or off < chosen[strike.click][0]):
            chosen[strike.click] = (off, strike)
    return [strike for _, strike in chosen.values()]


def _lateness(strike: _Strike) -> float:
    """Seconds after the nearest beat."""
    return (strike.quarters - round(strike.quarters)) * strike.quarter_seconds
