"""From MIDI messages back to notes, with the bends that each one hears."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.model import Bend, Note

#: The bend range of a channel that sets none, in semitones.
USUAL_BEND_RANGE = 2.0
#: A note that ends where it starts is this long.
SHORTEST_SECONDS = 1e-3
_NOTE_OFF, _NOTE_ON, _CONTROL, _WHEEL = 0x80, 0x90, 0xB0, 0xE0
_PARAMETER_CONTROLS, _DATA_ENTRY = (101, 100), 6
_WHEEL_CENTRE = 8192


@dataclass
class _Sounding:
    onset_seconds: float
    velocity: int
    bends: list[Bend]


@dataclass
class _Channel:
    wheel: float = 0.0
    """-1 to 1."""
    bend_range: float = USUAL_BEND_RANGE
    parameter: list[int] = field(default_factory=lambda: [127, 127])
    sounding: dict[int, list[_Sounding]] = field(default_factory=lambda: defaultdict(list))
    """By pitch, the oldest first."""

    def bend(self, seconds: float) -> Bend:
        return Bend(time_seconds=seconds, semitones=round(self.wheel * self.bend_range, 3))


class NoteCollector:
    """Gathers the notes of channel messages, which come in order of time."""

    def __init__(self) -> None:
        self._channels: dict[int, _Channel] = defaultdict(_Channel)
        self._ended: list[tuple[int, Note]] = []

    def add(self, seconds: float, message: bytes) -> None:
        """One channel message; those that say nothing of notes or bends are ignored."""
        status, number = message[0] & 0xF0, message[0] & 0x0F
        if len(message) < 3 or status not in (_NOTE_OFF, _NOTE_ON, _CONTROL, _WHEEL):
            return
        channel = self._channels[number]
        if status == _NOTE_ON and message[2]:
            bends = [channel.bend(seconds)] if channel.wheel else []
            channel.sounding[message[1]].append(_Sounding(seconds, message[2], bends))
        elif status in (_NOTE_ON, _NOTE_OFF):
            if channel.sounding[message[1]]:
                note = _note(channel.sounding[message[1]].pop(0), message[1], seconds)
                self._ended.append((number, note))
        elif status == _WHEEL:
            channel.wheel = ((message[2] << 7 | message[1]) - _WHEEL_CENTRE) / _WHEEL_CENTRE
            for sounding in channel.sounding.values():
                for one in sounding:
                    one.bends.append(channel.bend(seconds))
        elif message[1] in _PARAMETER_CONTROLS:
            channel.parameter[_PARAMETER_CONTROLS.index(message[1])] = message[2]
        elif message[1] == _DATA_ENTRY and channel.parameter == [0, 0]:
            channel.bend_range = float(message[2])

    def notes(self, end_seconds: float) -> Iterator[tuple[int, Note]]:
        """All notes so far with their channels, from 0; those that still sound end at `end_seconds` here."""
        yield from self._ended
        for number, channel in self._channels.items():
            for pitch, sounding in channel.sounding.items():
                for one in sounding:
                    yield number, _note(one, pitch, end_seconds)


def _note(sounding: _Sounding, pitch: int, end_seconds: float) -> Note:
    return Note(
        onset_seconds=sounding.onset_seconds,
        offset_seconds=max(end_seconds, sounding.onset_seconds + SHORTEST_SECONDS),
        pitch=pitch,
        velocity=sounding.velocity,
        bends=tuple(sounding.bends),
    )
