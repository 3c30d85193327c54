"""Bends against known pitch contours (vibrato, slides), and edge cases: a note at the end, the shortest clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.quality.note_scores import Ours
from bridge.audio.signal import ArraySignal
from bridge.model import Note

RATE_HZ = 22050
VIBRATO_HZ, VIBRATO_SEMITONES = 5.5, 0.5
#: Margin at a note's ends in which its pitch is not compared.
EDGE_SECONDS = 0.06

Wave = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Expression:
    """The pitch error of one transcribed tone."""

    piece: str
    rms_cents: float
    notes: int
    """Number of notes found; 1 if the tone was not split."""


@dataclass(frozen=True)
class Edge:
    """Whether the notes of one edge case were found."""

    what: str
    found: bool


def expressions(ours: Ours) -> list[Expression]:
    return [
        *(_expression(ours, f"vibrato, {pitch}", pitch, _vibrato) for pitch in (50, 57, 64, 71, 78)),
        *(_expression(ours, f"slide of two semitones, {pitch}", pitch, _slide) for pitch in (50, 57, 64, 71)),
    ]


def edges(ours: Ours) -> list[Edge]:
    last = np.zeros(180 * RATE_HZ)
    last[RATE_HZ : 2 * RATE_HZ] = tone(np.full(RATE_HZ, 60.0))
    last[-round(0.4 * RATE_HZ) :] = tone(np.full(round(0.4 * RATE_HZ), 67.0))
    late = [note for note in _transcribed(ours, last) if note.pitch == 67 and abs(note.onset_seconds - 179.6) < 0.05]
    short = _transcribed(ours, tone(np.full(round(0.3 * RATE_HZ), 64.0)))
    return [
        Edge("a note in the last 0.4 s of 3 minutes", bool(late)),
        Edge("a clip of 0.3 s", [note.pitch for note in short] == [64]),
    ]


def tone(pitch: Wave) -> Wave:
    """Eight harmonics of a pitch contour in MIDI numbers, faded in and out over 15 ms."""
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / RATE_HZ
    wave = sum(np.sin(number * phase) / number**1.3 for number in range(1, 9))
    time = np.arange(len(pitch)) / RATE_HZ
    return np.asarray(0.15 * wave * np.clip(np.minimum(time, time[-1] - time) / 0.015, 0, 1))


def _vibrato(time: Wave) -> Wave:
    return VIBRATO_SEMITONES * np.sin(2 * np.pi * VIBRATO_HZ * time)


def _slide(time: Wave) -> Wave:
    return np.interp(time, (0.0, 0.6, 1.0, 2.0), (0.0, 0.0, 2.0, 2.0))


def _expression(ours: Ours, piece: str, pitch: int, contour: Callable[[Wave], Wave]) -> Expression:
    time = np.arange(round(1.8 * RATE_HZ)) / RATE_HZ
    wave = np.zeros(2 * RATE_HZ)
    start = 0.1
    wave[round(start * RATE_HZ) :][: len(time)] = tone(pitch + contour(time))
    notes = [note for note in _transcribed(ours, wave) if abs(note.pitch - pitch) < 4]
    errors = []
    for moment in np.arange(EDGE_SECONDS, 1.8 - EDGE_SECONDS, 0.01):
        true = pitch + float(contour(np.array([moment]))[0])
        sounding = [_pitch(note, start + moment) for note in notes if _sounds(note, start + moment)]
        errors.append(min((abs(found - true) for found in sounding), default=1.0))
    return Expression(piece, round(100 * float(np.sqrt(np.mean(np.square(errors)))), 1), len(notes))


def _sounds(note: Note, seconds: float) -> bool:
    return note.onset_seconds <= seconds < note.offset_seconds


def _pitch(note: Note, seconds: float) -> float:
    sent = [bend.semitones for bend in note.bends if bend.time_seconds <= seconds]
    return note.pitch + (sent[-1] if sent else 0.0)


def _transcribed(ours: Ours, wave: Wave) -> list[Note]:
    return ours.transcribe(ArraySignal(wave.astype(np.float32)[:, np.newaxis], RATE_HZ), "other")
