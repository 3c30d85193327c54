"""Reads the notes of MIDI files back, with their bends: a part for each track."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import msgspec

from bridge.errors import NotReadable
from bridge.model import Bend, Note
from bridge.plain import plain
from bridge.smf.note_messages import BEND_RANGE_PARAMETER, BEND_UNITS
from bridge.smf.reading import MAX_TICK, load_midi
from bridge.smf.wheel import RANGE
from bridge.stems import DRUM_CHANNEL
from bridge.units import DEFAULT_TEMPO_BPM

#: Controllers: what a data entry sets (coarse, fine), and its value.
_PARAMETER_COARSE, _PARAMETER_FINE, _DATA_ENTRY = 101, 100, 6


class MidiPart(msgspec.Struct, frozen=True):
    """The notes of one track, or, of a track with drums among others, one of the two."""

    name: str
    """The track's; empty if it has none."""
    notes: tuple[Note, ...]
    """By onset, then pitch; never none."""
    is_drums: bool
    """Whether the notes are percussion keys."""


def read_parts(path: Path) -> tuple[MidiPart, ...]:
    """The parts of a file, in the order of its tracks; those without notes are left out.

    Raises:
        NotReadable: the file is not a MIDI file, or is damaged.
    """
    file = load_midi(path)
    seconds_at = _clock(file, path)
    parts = []
    for track in file.tracks:
        name = next((plain(message.name).strip() for message in track if message.type == "track_name"), "")
        melodic, drums = _NotesOfTrack(), _NotesOfTrack()
        tick = 0
        for message in track:
            tick += message.time
            if not message.is_meta and hasattr(message, "channel"):
                (drums if message.channel == DRUM_CHANNEL else melodic).take(message, seconds_at(tick))
        for part, is_drums in ((melodic, False), (drums, True)):
            if notes := part.ended_at(seconds_at(tick)):
                parts.append(MidiPart(name, notes, is_drums))
    return tuple(parts)


def _clock(file: mido.MidiFile, path: Path) -> Callable[[int], float]:
    """The time in seconds of a tick, by the tempi of all tracks."""
    changes: dict[int, int] = {0: mido.bpm2tempo(DEFAULT_TEMPO_BPM)}
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if tick > MAX_TICK:
                raise NotReadable(f"{path.name} is longer than any song.")
            if message.type == "set_tempo":
                changes[tick] = message.tempo
    ticks = sorted(changes)
    starts = [0.0]
    for before, after in pairwise(ticks):
        starts.append(starts[-1] + (after - before) * changes[before] / (file.ticks_per_beat * 1e6))

    def seconds_at(tick: int) -> float:
        index = bisect_right(ticks, tick) - 1
        return float(starts[index] + (tick - ticks[index]) * changes[ticks[index]] / (file.ticks_per_beat * 1e6))

    return seconds_at


class _NotesOfTrack:
    """Makes notes of the channel messages of a track, which come in order."""

    def __init__(self) -> None:
        self._notes: list[Note] = []
        self._sounding: dict[tuple[int, int], tuple[float, int, list[Bend]]] = {}
        """By channel and pitch: onset, velocity and the bends so far."""
        self._semitones: dict[int, float] = {}
        self._ranges: dict[int, int] = {}
        self._parameters: dict[int, dict[int, int]] = {}

    def take(self, message: mido.Message, seconds: float) -> None:
        channel = message.channel
        match message.type:
            case "note_on" | "note_off":
                self._end(channel, message.note, seconds)
                if message.type == "note_on" and message.velocity:
                    bend = self._semitones.get(channel, 0.0)
                    bends = [Bend(time_seconds=seconds, semitones=bend)] if bend else []
                    self._sounding[channel, message.note] = seconds, message.velocity, bends
            case "pitchwheel":
                semitones = message.pitch / BEND_UNITS * self._ranges.get(channel, RANGE)
                self._semitones[channel] = semitones
                for (of, _), (_, _, bends) in self._sounding.items():
                    if of == channel:
                        bends.append(Bend(time_seconds=seconds, semitones=semitones))
            case "control_change":
                self._control(channel, message.control, message.value)

    def ended_at(self, seconds: float) -> tuple[Note, ...]:
        """All notes; those that nothing has ended end here."""
        for channel, pitch in tuple(self._sounding):
            self._end(channel, pitch, seconds)
        return tuple(sorted(self._notes, key=lambda note: (note.onset_seconds, note.pitch)))

    def _control(self, channel: int, control: int, value: int) -> None:
        selected = self._parameters.setdefault(channel, {})
        if control in (_PARAMETER_COARSE, _PARAMETER_FINE):
            selected[control] = value
        elif control == _DATA_ENTRY and (
            selected.get(_PARAMETER_COARSE),
            selected.get(_PARAMETER_FINE),
        ) == (0, BEND_RANGE_PARAMETER):
            self._ranges[channel] = value

    def _end(self, channel: int, pitch: int, seconds: float) -> None:
        if (found := self._sounding.pop((channel, pitch), None)) is None:
            return
        onset, velocity, bends = found
        heard = tuple(bend for bend in bends if bend.time_seconds < seconds)
        self._notes.append(
            Note(onset_seconds=onset, offset_seconds=seconds, pitch=pitch, velocity=velocity, bends=heard)
        )
