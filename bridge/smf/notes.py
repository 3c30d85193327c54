"""Reads the notes of a MIDI file, of the bridge or another program, to show them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.errors import NotReadable
from bridge.model import Chord, Music, Note, TempoPoint
from bridge.music.metre import COMMON_TIME, Metre
from bridge.plain import plain
from bridge.request import TimeSignature
from bridge.smf.chords import NO_CHORD
from bridge.smf.note_collector import NoteCollector
from bridge.smf.reading import MAX_TICK, load_midi
from bridge.stems import DRUM_CHANNEL, STEM_TABLE
from bridge.units import DEFAULT_TEMPO_BPM

#: More notes than any music has; the limit bounds memory.
MAX_NOTES = 200_000
_BEAT_MARK = re.compile(r"beat (-?[0-9]+(?:\.[0-9]+)?)")
_DRUMS = "drums"


@dataclass
class FileNotes:
    """What a MIDI file says of its music."""

    parts: dict[str, list[Note]]
    """By stem, or by the track's name where it is no stem's; each by onset."""
    music: Music
    chords: tuple[Chord, ...]
    """Its markers, which are chords in our files."""
    seconds: float


def notes_of_file(path: Path) -> FileNotes:
    """The notes of a file, a part for each track that has some.

    Raises:
        NotReadable: the file is not a MIDI file, is damaged, or has more notes than any music.
    """
    file = load_midi(path)
    timeline = _Timeline(path, file)
    parts: dict[str, list[Note]] = {}
    for number, track in enumerate(file.tracks, 1):
        for name, notes in _notes_of(track, number, timeline).items():
            parts.setdefault(name, []).extend(notes)
            if sum(map(len, parts.values())) > MAX_NOTES:
                raise NotReadable(f"{path.name} has more notes than any music.")
    for notes in parts.values():
        notes.sort(key=lambda note: (note.onset_seconds, note.pitch))
    return FileNotes(parts, timeline.music(), timeline.chords(), timeline.end_seconds)


class _Timeline:
    """The tempi, metres and markers of a file, which may stand in any track."""

    def __init__(self, path: Path, file: mido.MidiFile) -> None:
        self._per_quarter = file.ticks_per_beat
        self._tempi: list[tuple[int, float, int]] = [(0, 0.0, mido.bpm2tempo(DEFAULT_TEMPO_BPM))]
        """Tick, seconds and microseconds a quarter of each change."""
        self._metres: list[tuple[int, TimeSignature]] = []
        self._marks: list[tuple[int, str]] = []
        tick = 0
        for message in mido.merge_tracks(file.tracks, skip_checks=True):
            tick += message.time
            if tick > MAX_TICK:
                raise NotReadable(f"{path.name} is longer than any song.")
            if message.type == "set_tempo":
                self._tempi.append((tick, self.seconds(tick), message.tempo))
            elif message.type == "time_signature":
                self._metres.append((tick, (message.numerator, message.denominator)))
            elif message.type == "marker":
                self._marks.append((tick, plain(message.text)))
        self.end_seconds = self.seconds(tick)

    def seconds(self, tick: int) -> float:
        """The time of a tick that is not before the last tempo read so far, or of any tick once all are read."""
        start, seconds, tempo = self._tempi[-1]
        if tick < start:
            start, seconds, tempo = next(change for change in reversed(self._tempi) if change[0] <= tick)
        return float(seconds + (tick - start) * tempo / (self._per_quarter * 1e6))

    def music(self) -> Music:
        # A shorter first bar has a metre of its own.
        tick, metre = self._metres[-1] if self._metres else (0, COMMON_TIME)
        first = self.seconds(tick)
        tempi = [change for change in self._tempi if change[2] > 0]
        bpm = 60e6 / tempi[-1][2] if tempi else DEFAULT_TEMPO_BPM
        given = next((found for _, text in self._marks if (found := _BEAT_MARK.fullmatch(text))), None)
        changes = {round(60e6 / change[2], 3) for change in tempi[1:]}
        points: tuple[TempoPoint, ...] = ()
        if len(changes) > 1:
            points = tuple(
                TempoPoint(seconds=seconds, quarters=at / self._per_quarter, bpm=60e6 / tempo)
                for at, seconds, tempo in tempi[1:]
            )
            bpm = 60 * self._quarters_at_end() / self.end_seconds if self.end_seconds > 0 else bpm
        elif given is not None:
            first = Metre.of(metre).first_bar_seconds(float(given[1]), bpm)
        return Music(
            tempo_bpm=bpm, tempo_source="given", first_beat_seconds=first, time_signature=metre, tempo_map=points
        )

    def _quarters_at_end(self) -> float:
        start, seconds, tempo = self._tempi[-1]
        return float(start / self._per_quarter + (self.end_seconds - seconds) * 1e6 / max(1, tempo))

    def chords(self) -> tuple[Chord, ...]:
        names = [(self.seconds(tick), text) for tick, text in self._marks if not _BEAT_MARK.fullmatch(text)]
        return tuple(
            Chord(start_seconds=start, end_seconds=end, name=text)
            for (start, text), (end, _) in pairwise([*names, (self.end_seconds, "")])
            if end > start and text not in (NO_CHORD, "")
        )


def _notes_of(track: Iterable[mido.Message], number: int, timeline: _Timeline) -> dict[str, list[Note]]:
    """The notes of one track: those on the drum channel are a part of their own."""
    name, tick, collector = f"track {number}", 0, NoteCollector()
    for message in track:
        tick += message.time
        if message.type == "track_name" and plain(message.name).strip():
            name = plain(message.name).strip()
        elif not message.is_meta and hasattr(message, "channel"):
            collector.add(timeline.seconds(tick), bytes(message.bytes()))
    parts: dict[str, list[Note]] = {}
    for channel, note in collector.notes(timeline.seconds(tick)):
        parts.setdefault(_DRUMS if channel == DRUM_CHANNEL else _stem_named(name), []).append(note)
    return parts


def _stem_named(name: str) -> str:
    """The stem that a track is called after; else the track's name."""
    return next((stem.name for stem in STEM_TABLE.values() if name.lower() in (stem.name, stem.label.lower())), name)
