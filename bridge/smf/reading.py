"""Reads MIDI files for the player, timed by each file's own tempo map."""

from __future__ import annotations

import io
import re
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import msgspec

from bridge.errors import NotReadable
from bridge.system.files import file_size, open_to_read
from bridge.units import DEFAULT_TEMPO_BPM, RELEASE_VELOCITY

#: Larger than any musical file; the limit bounds memory.
MAX_BYTES = 8 * 1024 * 1024
#: Variable-length numbers have at most four bytes; mido accepts any length, and would compute for hours on a million.
OVERLONG_NUMBER = re.compile(rb"[\x80-\xff]{1000}")
#: Beyond the length of any song, and exact in a float.
MAX_TICK = 1 << 40


class TimedMessage(msgspec.Struct, frozen=True):
    """One channel message of a file."""

    seconds: float
    """From the start of the file, by its own tempo map."""
    data: bytes
    """The whole message, starting with its status byte."""
    quarters: float = 0.0
    """The same time in quarter notes, independent of the tempo."""


class MidiContent(msgspec.Struct, frozen=True):
    """What the player needs of a file."""

    messages: tuple[TimedMessage, ...]
    """The channel messages by time, those of one tick in the file's order; a note-on of velocity 0 is a note-off."""
    tempo_bpm: float
    """The tempo at the start, in quarter notes per minute; the mean tempo of a file that changes it."""


def read_midi(path: Path) -> MidiContent:
    """The content of a file.

    Raises:
        NotReadable: the file is not a MIDI file, or is damaged.
    """
    file = load_midi(path)
    messages: list[TimedMessage] = []
    tempo, tempo_tick, tempo_seconds = mido.bpm2tempo(DEFAULT_TEMPO_BPM), 0, 0.0
    first_tempo: int | None = None
    tick = changes = 0
    for message in mido.merge_tracks(file.tracks, skip_checks=True):
        tick += message.time
        if tick > MAX_TICK:
            raise NotReadable(f"{path.name} is longer than any song.")
        seconds = tempo_seconds + (tick - tempo_tick) * tempo / (file.ticks_per_beat * 1e6)
        if message.type == "set_tempo":
            changes += tick > 0 and message.tempo != tempo
            tempo, tempo_tick, tempo_seconds = message.tempo, tick, seconds
            if tick == 0 and first_tempo is None:
                first_tempo = tempo
        elif not message.is_meta and hasattr(message, "channel"):
            messages.append(TimedMessage(seconds, _as_bytes(message), tick / file.ticks_per_beat))
    tempo_bpm = DEFAULT_TEMPO_BPM if first_tempo is None else 60e6 / max(1, first_tempo)
    if changes and messages and messages[-1].seconds > 0:
        tempo_bpm = 60 * messages[-1].quarters / messages[-1].seconds
    return MidiContent(tuple(messages), tempo_bpm)


def count_notes(path: Path) -> int:
    """The number of notes in a file. Raises NotReadable as `read_midi` does."""
    return sum(message.data[0] & 0xF0 == 0x90 for message in read_midi(path).messages)


def load_midi(path: Path) -> mido.MidiFile:
    """A file's tracks. Raises NotReadable as `read_midi` does."""
    try:
        with open_to_read(path) as opened:  # a pipe would never end
            if file_size(opened) > MAX_BYTES:
                raise NotReadable(f"{path.name} is too large for a MIDI file.")
            content = opened.read(MAX_BYTES)
        if OVERLONG_NUMBER.search(content):
            raise NotReadable(f"{path.name} is not a MIDI file, or a broken one.")
        file = mido.MidiFile(file=io.BytesIO(content))
    except OSError as exc:  # mido raises OSError for bad content too; EOFError is not one
        raise NotReadable(f"{path.name} cannot be read as a MIDI file{_reason(exc)}.") from exc
    except (EOFError, ValueError, LookupError, TypeError, ArithmeticError, mido.KeySignatureError) as exc:
        raise NotReadable(f"{path.name} is not a MIDI file, or a broken one{_reason(exc)}.") from exc
    if file.type == 2 or not 0 < file.ticks_per_beat < 0x8000:
        raise NotReadable(f"{path.name} is of type 2 or not timed in beats; save it as a MIDI file of type 0 or 1.")
    return file


def _reason(error: Exception) -> str:
    words = str(error).strip().rstrip(".")
    return f": {words}" if words else ""


def _as_bytes(message: mido.Message) -> bytes:
    if message.type == "note_on" and message.velocity == 0:
        message = mido.Message("note_off", channel=message.channel, note=message.note, velocity=RELEASE_VELOCITY)
    return bytes(message.bytes())
