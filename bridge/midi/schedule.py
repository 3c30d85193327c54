"""What is sent when, and which messages silence it: pure, without a clock or a port."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import msgspec

from bridge.units import DEFAULT_TEMPO_BPM, RELEASE_VELOCITY
from bridge.value import Value

NOTE_OFF, NOTE_ON, CONTROL_CHANGE, PITCH_BEND = 0x80, 0x90, 0xB0, 0xE0
SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123
CHANNELS = range(16)
#: Data entry and parameter selection, registered or not: bend range, MPE zone (MIDI 1.0, table III).
PARAMETER_CONTROLLERS = frozenset((6, 38, *range(96, 102)))
#: Parameters set within this time from the start configure the whole file; later ones belong to the music.
SET_UP_SECONDS = 0.1
#: 8192, the pitch wheel at rest, as its two data bytes.
BEND_CENTRE = (0x00, 0x40)
#: Silences a port in any state: the silencing controllers and a centred bend on each channel.
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
    """The bytes of one complete MIDI message and when it is due, in seconds from the schedule's start."""

    seconds: float
    data: bytes


class Schedule(Value, frozen=True, kw_only=True):
    """The notes of one stem of one job. `messages` are sorted by time; built by `schedule()`."""

    job: str
    stem: str
    messages: tuple[TimedBytes, ...]
    seconds: float
    """When the last message is due."""
    notes: int
    offset_seconds: float = 0.0
    """How much later than the other stems it is played; negative: earlier."""
    tempo_bpm: float = DEFAULT_TEMPO_BPM
    """Tempo at which its seconds were written, in quarter notes per minute: converts seconds to beats."""
    beat: float | None = None
    """Where its second 0 lies on the song's timeline, in quarter notes; None: where the transport starts."""
    set_up: tuple[int, ...] = ()
    """Indices of the messages that configure the receiver (bend range, MPE zone) and are sent only once."""
    is_open: bool = False
    """More messages follow, by `Extend`: the job is still being computed."""
    until_seconds: float = math.inf
    """Its horizon: how far it is known. Beyond it, an open schedule is silent until it is extended."""


def schedule(
    job: str,
    stem: str,
    messages: Iterable[tuple[float, bytes]],
    offset_seconds: float = 0.0,
    *,
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    beat: float | None = None,
) -> Schedule:
    """A schedule of (seconds, message) pairs; simultaneous messages keep their order."""
    timed = sorted((TimedBytes(seconds, data) for seconds, data in messages), key=lambda message: message.seconds)
    parameters = [number for number, message in enumerate(timed) if sets_parameter(message.data)]
    is_set_up = all(timed[number].seconds < SET_UP_SECONDS for number in parameters)
    return Schedule(
        job=job,
        stem=stem,
        messages=tuple(timed),
        seconds=timed[-1].seconds if timed else 0.0,
        notes=sum(is_note_on(message.data) for message in timed),
        offset_seconds=offset_seconds,
        tempo_bpm=tempo_bpm,
        beat=beat,
        set_up=tuple(parameters) if is_set_up else (),
    )


def is_note_on(data: bytes) -> bool:
    """True for a Note On that starts a note; one of velocity 0 ends it."""
    return data[0] & 0xF0 == NOTE_ON and data[2] > 0


def is_note_off(data: bytes) -> bool:
    """True for a Note Off, including a Note On of velocity 0."""
    return data[0] & 0xF0 == NOTE_OFF or (data[0] & 0xF0 == NOTE_ON and data[2] == 0)


def sets_parameter(data: bytes) -> bool:
    """True for messages that configure how notes and bends are read: bend range, MPE zone."""
    return data[0] & 0xF0 == CONTROL_CHANGE and data[1] in PARAMETER_CONTROLLERS


def is_ending(data: bytes) -> bool:
    """True for the end of a note, a bend back to the centre, and the release of the pedal."""
    kind = data[0] & 0xF0
    return (
        is_note_off(data)
        or (kind == PITCH_BEND and data[1:3] == bytes(BEND_CENTRE))
        or (kind == CONTROL_CHANGE and data[1] == SUSTAIN and data[2] == 0)
    )


def endings_of(messages: Iterable[TimedBytes]) -> tuple[bytes, ...]:
    """Messages that leave nothing sounding, at whatever point these messages are broken off."""
    endings = Endings()
    endings.observe(message.data for message in messages)
    return endings.all()


class Endings:
    """The endings of messages that become known little by little.

    One Note Off for each note, as many times as it sounds simultaneously; then pedals, then bends.
    """

    def __init__(self) -> None:
        self._notes: Counter[tuple[int, int]] = Counter()
        self._peak: Counter[tuple[int, int]] = Counter()
        self._state = MidiState()

    def observe(self, messages: Iterable[bytes]) -> None:
        """Appends messages."""
        for data in messages:
            note = (data[0] & 0x0F, data[1])
            if is_note_on(data):
                self._notes[note] += 1
                self._peak[note] = max(self._peak[note], self._notes[note])
            elif is_note_off(data):
                self._notes[note] = max(0, self._notes[note] - 1)
            elif not is_ending(data):
                self._state.observe(data)

    def all(self) -> tuple[bytes, ...]:
        state = self._state.copy()
        for (channel, pitch), count in self._peak.items():
            for _ in range(count):
                state.observe(bytes((NOTE_ON | channel, pitch, RELEASE_VELOCITY)))
        return state.release()


class MidiState:
    """The state that the messages sent to a port leave behind: active notes, bent channels, held pedals."""

    def __init__(self) -> None:
        self._notes: Counter[tuple[int, int]] = Counter()
        self._bent: set[int] = set()
        self._sustained: set[int] = set()

    def copy(self) -> MidiState:
        """The same state, which later messages change by themselves."""
        state = MidiState()
        state._notes, state._bent, state._sustained = self._notes.copy(), self._bent.copy(), self._sustained.copy()
        return state

    @property
    def notes(self) -> int:
        """How many notes are active."""
        return sum(self._notes.values())

    def observe(self, data: bytes) -> None:
        """Updates the state by one message that was sent."""
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

    def is_ended_by(self, end: bytes) -> bool:
        """Whether this note end, centred bend or pedal release would end something that is active."""
        kind, channel = end[0] & 0xF0, end[0] & 0x0F
        if kind == PITCH_BEND:
            return channel in self._bent
        if kind == CONTROL_CHANGE:
            return channel in self._sustained if end[1] == SUSTAIN else bool(self._notes)
        return self._notes[channel, end[1]] > 0

    def release(self) -> tuple[bytes, ...]:
        """Messages that leave nothing sounding: a Note Off for each Note On, then pedals up, then bends centred.

        Only explicit messages: a DAW that records would keep All Notes Off and Reset All Controllers in the clip. Bends
        come last, so that no note is heard to slide. Afterwards the state is empty.
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
