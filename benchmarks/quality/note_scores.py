"""Scores found notes against true ones, by mir_eval's and MIREX's rules, for the bridge and for basic-pitch itself."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import soundfile

from benchmarks.corpora.etudes import Etude
from benchmarks.corpora.patterns import SECONDS
from benchmarks.corpora.synthesis import RATE_HZ, rendered
from bridge.audio.resample import mono, resampled
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.request import NoteSettings
from bridge.transcription.registry import EXTRAS, FACTORIES, TranscriberRegistry

if TYPE_CHECKING:
    import numpy.typing as npt

ONSET_SECONDS = 0.05
PITCH_CENTS = 50.0

#: (onset seconds, offset seconds, MIDI pitch, velocity)
Plain = tuple[float, float, int, int]


@dataclass(frozen=True)
class Sample:
    """A sound file with its true notes."""

    name: str
    group: str
    as_stem: str
    path: Path
    notes: tuple[Plain, ...]


@dataclass(frozen=True)
class Quality:
    """The scores of one engine for one piece, 0–1."""

    piece: str
    group: str
    """`recording`, `real piano`, `etude` or `held out`."""
    engine: str
    precision: float
    recall: float
    f1: float
    f1_with_offsets: float
    velocity_rank: float | None
    """Spearman's correlation of the velocities of matched notes; None where the true ones are unknown."""


class Peer:
    """basic-pitch as its users call it, with its network loaded once and its output suppressed."""

    def __init__(self) -> None:
        with _silenced():
            from basic_pitch import (
                FilenameSuffix,
                build_icassp_2022_model_path,
            )
            from basic_pitch.inference import Model, predict

            self._predict: Callable[..., Any] = predict
            self._model = Model(build_icassp_2022_model_path(FilenameSuffix.onnx))

    def __call__(self, path: Path) -> list[Plain]:
        with _silenced():
            _, _, events = self._predict(str(path), self._model)
        return sorted(
            (float(event[0]), float(event[1]), int(event[2]), round(127 * float(event[3]))) for event in events
        )


class Ours:
    """Reads, resamples and transcribes a file as the bridge's worker does, with the network loaded once.

    Without extras, as a plain installation, unless `with_extras`.
    """

    def __init__(self, with_extras: bool = False) -> None:
        plain = {stem: FACTORIES["other"] if factory in EXTRAS else factory for stem, factory in FACTORIES.items()}
        self._transcribers = TranscriberRegistry(FACTORIES if with_extras else plain)

    def __call__(self, path: Path, stem: str) -> list[Note]:
        return self.transcribe(read_mono(path, self._transcribers.for_stem(stem).sample_rate_hz), stem)

    def transcribe(self, audio: ArraySignal, stem: str) -> list[Note]:
        """The notes of audio at the transcriber's own rate."""
        transcriber = self._transcribers.for_stem(stem)
        return transcriber.notes(transcriber.analyse(audio, stem, NullControl()), stem, NoteSettings())


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def recordings(folder: Path) -> Iterator[Sample]:
    """Every `.wav` of the folder with a `.mid` of the same name, transcribed as `other`; and every piano: a `.flac`
    with a `.tsv` of onsets, offsets, pitches and velocities."""
    for path in sorted(folder.glob("*.wav")):
        score = path.with_suffix(".mid")
        if score.is_file():
            yield Sample(path.stem, "recording", "other", path, tuple(_notes_of(score)))
    for path in sorted(folder.glob("*.flac")):
        table = path.with_suffix(".tsv")
        if table.is_file():
            rows = np.loadtxt(table, ndmin=2).tolist()
            notes = tuple((onset, offset, int(pitch), int(velocity)) for onset, offset, pitch, velocity in rows)
            yield Sample(path.stem, "real piano", "piano", path, notes)


def _notes_of(score: Path) -> list[Plain]:
    sounding: dict[tuple[int, int], float] = {}
    notes: list[Plain] = []
    now = 0.0
    for message in mido.MidiFile(str(score)):
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if key in sounding:
            notes.append((sounding.pop(key), now, message.note, 0))
        if message.type == "note_on" and message.velocity:
            sounding[key] = now
    return sorted(notes)


def rendered_samples(pieces: Sequence[Etude], folder: Path, group: str) -> list[Sample]:
    def render(piece: Etude) -> Sample:
        path = folder / f"{group}, {piece.name}.wav"
        soundfile.write(str(path), rendered(piece.part, SECONDS), RATE_HZ, subtype="PCM_24")
        notes = tuple(
            (note.onset_seconds, min(note.offset_seconds, SECONDS), note.pitch, note.velocity)
            for note in piece.part.notes
        )
        return Sample(piece.name, group, piece.as_stem, path, notes)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # FluidSynth is a process of its own
        return list(pool.map(render, pieces))


def quality(sample: Sample, engine: str, found: Sequence[Plain]) -> Quality:
    from mir_eval.transcription import match_notes, precision_recall_f1_overlap

    true, estimated = _arrays(sample.notes), _arrays(found)
    if not len(true[0]) or not len(estimated[0]):
        return Quality(sample.name, sample.group, engine, 0.0, 0.0, 0.0, 0.0, None)
    options = {"onset_tolerance": ONSET_SECONDS, "pitch_tolerance": PITCH_CENTS}
    precision, recall, f1, _ = precision_recall_f1_overlap(*true, *estimated, **options, offset_ratio=None)
    with_offsets = precision_recall_f1_overlap(*true, *estimated, **options, offset_ratio=0.2)[2]
    pairs = match_notes(*true, *estimated, **options, offset_ratio=None)
    rank = _rank([sample.notes[first][3] for first, _ in pairs], [found[second][3] for _, second in pairs])
    precision, recall, f1, with_offsets = (round(float(value), 3) for value in (precision, recall, f1, with_offsets))
    return Quality(sample.name, sample.group, engine, precision, recall, f1, with_offsets, rank)


def _rank(true: Sequence[int], found: Sequence[int]) -> float | None:
    """Spearman's rank correlation; None where the true velocities do not vary, or too few were found."""
    from scipy.stats import spearmanr

    if len(true) < 5 or len(set(true)) < 3 or len(set(found)) < 2:
        return None
    return round(float(spearmanr(true, found)[0]), 3)


def _arrays(notes: Iterable[Plain]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Intervals (notes, 2) in seconds and pitches in Hz, as mir_eval takes them."""
    rows = [(onset, offset, 440 * 2 ** ((pitch - 69) / 12)) for onset, offset, pitch, _ in notes]
    table = np.array(rows, np.float64).reshape(-1, 3)
    return table[:, :2], table[:, 2]


def plain(notes: Iterable[Note]) -> list[Plain]:
    return [(note.onset_seconds, note.offset_seconds, note.pitch, note.velocity) for note in notes]


def read_mono(path: Path, rate_hz: int = RATE_HZ) -> ArraySignal:
    """A whole file, mono, resampled to `rate_hz`."""
    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    signal = resampled(mono(ArraySignal(samples, rate)), rate_hz)
    return ArraySignal(signal.read(0, signal.frames), rate_hz)
