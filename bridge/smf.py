"""Standard MIDI files: what is written beside the stems, and what the MIDI player reads back.

All times in a file come from its own, rounded tempo: ticks are absolute before they are differenced, so that nothing
drifts. Time 0 is the clip's start, and the last event is not before the clip's end: a DAW that drops the file on the
clip's place has every note where it sounds.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import msgspec

from bridge.errors import BadArguments, NotReadable
from bridge.model import Note
from bridge.units import DEFAULT_TEMPO_BPM, TICKS_PER_QUARTER

#: Channels, from 0: General MIDI's drums are on the one that people call 10.
PITCHED_CHANNEL = 0
DRUM_CHANNEL = 9
#: Semitones that a full pitch bend means; what every instrument assumes unless told otherwise. It is told all the same.
BEND_RANGE = 2
BEND_UNITS = 8192
#: How fast a key is let go: MIDI 1.0's value for "not measured".
RELEASE_VELOCITY = 64
#: Microseconds of a quarter have three bytes in the file.
LONGEST_QUARTER = 0xFFFFFF
#: Larger than any file a person made of notes; reading stops before memory does.
MAX_BYTES = 8 * 1024 * 1024
#: Numbers in a file have at most four bytes; mido takes any length, and would reckon for hours with a million of them.
ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{1000}")
#: Further than any song goes, and within what a float can count.
MAX_TICK = 1 << 40
#: Order of events that share a tick: a note that ends never cuts off one that starts, a bend is there before its note.
OFF, BEND, ON = range(3)


class TimedMessage(msgspec.Struct, frozen=True):
    """One channel message of a file."""

    seconds: float
    """From the start of the file, by its own tempo map."""
    data: bytes
    """The whole message, its status byte first."""
    quarters: float = 0.0
    """The same moment in quarter notes, whatever the tempo."""


class _Strike(msgspec.Struct, frozen=True):
    """A note in ticks; never of length zero, never overlapping another of its pitch."""

    on: int
    off: int
    note: Note


def write_midi_file(
    path: Path,
    notes: Sequence[Note],
    *,
    stem: str,
    seconds: float,
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    beat: float | None = None,
) -> None:
    """Writes a file of type 1 in place: a track with tempo and metre, then one with the notes.

    Args:
        stem: one of `model.STEMS`, or `mix`, and the track's name; `drums` go to the drum channel and have no bends.
        seconds: length of the clip; the track does not end before it.
        tempo_bpm: quarter notes a minute, at least 3.58.
        beat: where the clip starts on the song's time line, in quarter notes; becomes a marker.

    Raises:
        BadArguments: no file can hold that tempo.
        OSError: it cannot be written there.
    """
    quarter = microseconds_per_quarter(tempo_bpm)
    end = _ticks(seconds, quarter)
    marks = [
        (0, mido.MetaMessage("set_tempo", tempo=quarter)),
        (0, mido.MetaMessage("time_signature", numerator=4, denominator=4)),
    ]
    if beat is not None:
        marks.append((0, mido.MetaMessage("marker", text=f"beat {beat:g}")))
    name = mido.MetaMessage("track_name", name=stem.capitalize())
    events = _drum_events(notes, quarter) if stem == "drums" else _pitched_events(notes, quarter)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    file.tracks += [_track(marks, end), _track([(0, name), *events], end)]
    file.save(str(path))


def read_schedule(path: Path) -> tuple[TimedMessage, ...]:
    """The channel messages of a file in order of time, those of one tick in the file's order.

    A note-on of velocity 0 comes back as the note-off that it is.

    Raises:
        NotReadable: it is no MIDI file, or a broken one.
    """
    file = _load(path)
    messages: list[TimedMessage] = []
    tempo, tempo_tick, tempo_seconds = mido.bpm2tempo(DEFAULT_TEMPO_BPM), 0, 0.0
    tick = 0
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        if tick > MAX_TICK:
            raise NotReadable(f"{path.name} goes on for longer than any song.")
        seconds = tempo_seconds + (tick - tempo_tick) * tempo / (file.ticks_per_beat * 1e6)
        if message.type == "set_tempo":
            tempo, tempo_tick, tempo_seconds = message.tempo, tick, seconds
        elif not message.is_meta and hasattr(message, "channel"):
            messages.append(TimedMessage(seconds, _as_bytes(message), tick / file.ticks_per_beat))
    return tuple(messages)


def read_tempo(path: Path) -> float:
    """The tempo with which a file begins, in quarter notes a minute. Raises NotReadable as `read_schedule` does."""
    for message in mido.merge_tracks(_load(path).tracks):
        if message.time:
            break
        if message.type == "set_tempo":
            return 60e6 / max(1, int(message.tempo))
    return DEFAULT_TEMPO_BPM


def count_notes(path: Path) -> int:
    """How many notes a file holds. Raises NotReadable as `read_schedule` does."""
    return sum(message.data[0] & 0xF0 == 0x90 for message in read_schedule(path))


def microseconds_per_quarter(tempo_bpm: float) -> int:
    """The tempo as a file holds it; all its ticks must be reckoned from this, not from `tempo_bpm`.

    Raises:
        BadArguments: no file can hold that tempo.
    """
    quarter = round(60e6 / tempo_bpm) if 1 < tempo_bpm < 60e6 else 0
    if not 0 < quarter <= LONGEST_QUARTER:
        raise BadArguments(f"A tempo of {tempo_bpm:g} cannot stand in a MIDI file; 4 to 1000 can.")
    return quarter


def _ticks(seconds: float, quarter: int) -> int:
    return max(0, round(seconds * 1e6 * TICKS_PER_QUARTER / quarter))


def _strikes(notes: Iterable[Note], quarter: int) -> list[_Strike]:
    """The notes in ticks, by onset; of two of one pitch, the earlier ends where the later starts.

    Of two that start together the longer stays.
    """
    by_pitch: dict[int, dict[int, _Strike]] = {}
    for note in notes:
        on = _ticks(note.onset_seconds, quarter)
        strike = _Strike(on, max(on + 1, _ticks(note.offset_seconds, quarter)), note)
        same = by_pitch.setdefault(note.pitch, {})
        if on not in same or same[on].off < strike.off:
            same[on] = strike
    strikes: list[_Strike] = []
    for same in by_pitch.values():
        line = [same[on] for on in sorted(same)]
        strikes += [_Strike(strike.on, min(strike.off, after.on), strike.note) for strike, after in pairwise(line)]
        strikes.append(line[-1])
    return sorted(strikes, key=lambda strike: (strike.on, strike.note.pitch))


def _drum_events(notes: Iterable[Note], quarter: int) -> list[tuple[int, mido.Message]]:
    return _in_order(_note_events(_strikes(notes, quarter), DRUM_CHANNEL))


def _pitched_events(notes: Iterable[Note], quarter: int) -> list[tuple[int, mido.Message]]:
    strikes = _strikes(notes, quarter)
    bends = _bend_events(strikes, quarter)
    events = _in_order([*_note_events(strikes, PITCHED_CHANNEL), *bends])
    return [*_bend_range(), *events] if bends else events


def _in_order(events: list[tuple[int, int, mido.Message]]) -> list[tuple[int, mido.Message]]:
    return [(tick, message) for tick, _, message in sorted(events, key=lambda event: event[:2])]


def _note_events(strikes: Iterable[_Strike], channel: int) -> list[tuple[int, int, mido.Message]]:
    events: list[tuple[int, int, mido.Message]] = []
    for strike in strikes:
        key, velocity = strike.note.pitch, strike.note.velocity
        on = mido.Message("note_on", channel=channel, note=key, velocity=velocity)
        off = mido.Message("note_off", channel=channel, note=key, velocity=RELEASE_VELOCITY)
        events += [(strike.on, ON, on), (strike.off, OFF, off)]
    return events


def _bend_events(strikes: Sequence[_Strike], quarter: int) -> list[tuple[int, int, mido.Message]]:
    """The pitch wheel's course: it moves under notes that sound alone, and goes back to its centre after each."""
    wheel: dict[int, int] = {}
    sounding_until = 0
    for index, strike in enumerate(strikes):
        alone = strike.on >= sounding_until and (index + 1 == len(strikes) or strikes[index + 1].on >= strike.off)
        sounding_until = max(sounding_until, strike.off)
        if not alone or not strike.note.bends:
            continue
        for bend in strike.note.bends:
            tick = max(strike.on, _ticks(bend.time_seconds, quarter))
            if tick < strike.off:
                wheel[tick] = _wheel_value(bend.semitones)
        wheel[strike.off] = 0
    events: list[tuple[int, int, mido.Message]] = []
    value = 0
    for tick in sorted(wheel):
        if wheel[tick] != value:
            value = wheel[tick]
            events.append((tick, BEND, mido.Message("pitchwheel", channel=PITCHED_CHANNEL, pitch=value)))
    return events


def _wheel_value(semitones: float) -> int:
    return max(-BEND_UNITS, min(BEND_UNITS - 1, round(semitones / BEND_RANGE * BEND_UNITS)))


def _bend_range() -> list[tuple[int, mido.Message]]:
    """Registered parameter 0, pitch bend sensitivity, then none, so that a stray data entry changes nothing."""
    controllers = ((101, 0), (100, 0), (6, BEND_RANGE), (38, 0), (101, 127), (100, 127))
    return [
        (0, mido.Message("control_change", channel=PITCHED_CHANNEL, control=control, value=value))
        for control, value in controllers
    ]


def _track(events: Sequence[tuple[int, mido.Message | mido.MetaMessage]], end: int) -> mido.MidiTrack:
    """Events in order of their ticks, as a track that ends at `end` or after its last event."""
    track = mido.MidiTrack()
    now = 0
    for tick, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - now)))
    return track


def _load(path: Path) -> mido.MidiFile:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NotReadable(f"{path.name} is too large for a MIDI file.")
        content = path.read_bytes()
        if ENDLESS_NUMBER.search(content):
            raise NotReadable(f"{path.name} is not a MIDI file, or a broken one.")
        file = mido.MidiFile(file=io.BytesIO(content))
    except OSError as exc:  # mido's own complaints about a file's content are OSErrors too, EOFError is not
        raise NotReadable(f"{path.name} cannot be read as a MIDI file: {exc}") from exc
    except (EOFError, ValueError, LookupError, TypeError, ArithmeticError, mido.KeySignatureError) as exc:
        raise NotReadable(f"{path.name} is not a MIDI file, or a broken one: {exc}") from exc
    if file.type == 2 or not 0 < file.ticks_per_beat < 0x8000:
        raise NotReadable(f"{path.name} keeps its time in a way that no song has.")
    return file


def _as_bytes(message: mido.Message) -> bytes:
    if message.type == "note_on" and message.velocity == 0:
        message = mido.Message("note_off", channel=message.channel, note=message.note, velocity=RELEASE_VELOCITY)
    return bytes(message.bytes())
