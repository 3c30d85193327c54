"""What is to be sent when, and what must be sent to silence it: pure, without a clock or a port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from bridge.model import Value
from bridge.units import DEFAULT_TEMPO_BPM

NOTE_OFF, NOTE_ON, CONTROL_CHANGE, PITCH_BEND = 0x80, 0x90, 0xB0, 0xE0
SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123
CHANNELS = range(16)
#: Data entry and the choice of a parameter, registered or not: bend range, MPE's zone (MIDI 1.0, table III).
PARAMETER_CONTROLLERS = frozenset((6, 38, *range(96, 102)))
#: So far from its start a file says how it is to be read; a parameter that is set later belongs to the music.
SET_UP_SECONDS = 0.1
#: Velocity of a Note Off that has none of its own (MIDI 1.0, table II).
RELEASE_VELOCITY = 64
#: 8192, the wheel at rest, as its two data bytes.
BEND_CENTRE = (0x00, 0x40)
#: What silences a port whatever sounds on it: the controllers for that, and the bend's centre, on each channel.
SILENCE = tuple(
    message
    for channel in CHANNELS
    for message in (
        *(
            bytes((CONTROL_CHANGE | channel, controller, 0))
            for controller in (SUSTAIN, ALL_NOTES_OFF, ALL_SOUND_OFF, RESET_CONTROLLERS)
        ),
        bytes((PITCH_BEND | channel, *BEND_CENTRE)),
    )
)


class TimedBytes(msgspec.Struct, frozen=True, array_like=True):
    """The bytes of one complete MIDI message, and when it is due in seconds from the schedule's start."""

    seconds: float
    data: bytes


class Schedule(Value, frozen=True, kw_only=True):
    """The notes of one stem of one job. `messages` are sorted by time; build it with `schedule()`."""

    job: str
    stem: str
    messages: tuple[TimedBytes, ...]
    seconds: float
    """When the last message is due."""
    notes: int
    offset_seconds: float = 0.0
    """How much later than the other stems it is played; negative: earlier."""
    tempo_bpm: float = DEFAULT_TEMPO_BPM
    """Quarter notes a minute that its seconds were written at: what makes beats of them."""
    beat: float | None = None
    """Where its second 0 lies on the song's time line, in quarter notes; None: wherever the music begins to roll."""
    set_up: tuple[int, ...] = ()
    """Numbers of the messages that say how the others are to be read (bend range, MPE's zone) and need saying once."""


def schedule(
    job: str,
    stem: str,
    messages: Iterable[tuple[float, bytes]],
    offset_seconds: float = 0.0,
    *,
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    beat: float | None = None,
) -> Schedule:
    """A schedule of (seconds, message) pairs; those of the same moment keep their order."""
    timed = sorted((TimedBytes(seconds, data) for seconds, data in messages), key=lambda message: message.seconds)
    settings = [number for number, message in enumerate(timed) if sets_parameter(message.data)]
    need_saying_once = all(timed[number].seconds < SET_UP_SECONDS for number in settings)
    return Schedule(
        job=job,
        stem=stem,
        messages=tuple(timed),
        seconds=timed[-1].seconds if timed else 0.0,
        notes=sum(is_note_on(message.data) for message in timed),
        offset_seconds=offset_seconds,
        tempo_bpm=tempo_bpm,
        beat=beat,
        set_up=tuple(settings) if need_saying_once else (),
    )


def is_note_on(data: bytes) -> bool:
    """True for a Note On that starts a note; one of velocity 0 ends it."""
    return data[0] & 0xF0 == NOTE_ON and data[2] > 0


def is_note_off(data: bytes) -> bool:
    """True for a Note Off, and for a Note On of velocity 0, which is one."""
    return data[0] & 0xF0 == NOTE_OFF or (data[0] & 0xF0 == NOTE_ON and data[2] == 0)


def sets_parameter(data: bytes) -> bool:
    """True for what says how to read notes and bends: bend range, MPE's zone."""
    return data[0] & 0xF0 == CONTROL_CHANGE and data[1] in PARAMETER_CONTROLLERS


def ends_something(data: bytes) -> bool:
    """True for the end of a note, the bend's way back to the centre, and the pedal's release."""
    kind = data[0] & 0xF0
    return (
        is_note_off(data)
        or (kind == PITCH_BEND and data[1:3] == bytes(BEND_CENTRE))
        or (kind == CONTROL_CHANGE and data[1] == SUSTAIN and data[2] == 0)
    )


def may_leave(messages: Iterable[TimedBytes]) -> tuple[bytes, ...]:
    """What leaves nothing sounding wherever these messages are broken off.

    A Note Off for each note that sounds anywhere among them, as often as it does so at once; then pedals, then bends.
    """
    notes: Counter[tuple[int, int]] = Counter()
    most: Counter[tuple[int, int]] = Counter()
    others = Sounding()
    for message in messages:
        data = message.data
        note = (data[0] & 0x0F, data[1])
        if is_note_on(data):
            notes[note] += 1
            most[note] = max(most[note], notes[note])
        elif is_note_off(data):
            notes[note] = max(0, notes[note] - 1)
        elif not ends_something(data):
            others.hear(data)
    for (channel, pitch), count in most.items():
        for _ in range(count):
            others.hear(bytes((NOTE_ON | channel, pitch, RELEASE_VELOCITY)))
    return others.release()


class Sounding:
    """What a port has been left with: the notes that are on, the channels that are bent or hold the pedal."""

    def __init__(self) -> None:
        self._notes: Counter[tuple[int, int]] = Counter()
        self._bent: set[int] = set()
        self._sustained: set[int] = set()

    def hear(self, data: bytes) -> None:
        """Takes note of one message that was sent."""
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if is_note_on(data):
            self._notes[channel, data[1]] += 1
        elif kind in (NOTE_OFF, NOTE_ON):
            if self._notes[channel, data[1]] > 0:
                self._notes[channel, data[1]] -= 1
        elif kind == PITCH_BEND:
            _mark(self._bent, channel, data[1:3] != bytes(BEND_CENTRE))
        elif kind == CONTROL_CHANGE and data[1] == SUSTAIN:
            _mark(self._sustained, channel, data[2] > 0)

    def holds(self, end: bytes) -> bool:
        """Whether that end of a note, a bend or the pedal would end something that was heard."""
        kind, channel = end[0] & 0xF0, end[0] & 0x0F
        if kind == PITCH_BEND:
            return channel in self._bent
        if kind == CONTROL_CHANGE:
            return channel in self._sustained if end[1] == SUSTAIN else bool(self._notes)
        return self._notes[channel, end[1]] > 0

    def release(self) -> tuple[bytes, ...]:
        """The messages that leave nothing sounding: a Note Off for each Note On, then pedals up, bends to centre.

        Explicit ones only: a DAW that records would keep All Notes Off and Reset All Controllers in the clip. The
        bends come last, so that no note is heard to slide. Afterwards nothing sounds.
        """
        messages = [
            bytes((NOTE_OFF | channel, pitch, RELEASE_VELOCITY)) for channel, pitch in sorted(self._notes.elements())
        ]
        messages += [bytes((CONTROL_CHANGE | channel, SUSTAIN, 0)) for channel in sorted(self._sustained)]
        messages += [bytes((PITCH_BEND | channel, *BEND_CENTRE)) for channel in sorted(self._bent)]
        self._notes.clear()
        self._sustained.clear()
        self._bent.clear()
        return tuple(messages)


def _mark(channels: set[int], channel: int, is_set: bool) -> None:
    if is_set:
        channels.add(channel)
    else:
        channels.discard(channel)
