"""How well and how fast notes are found, beside basic-pitch's own decoder and command.

`python -m benchmarks.transcription [--audio FOLDER] [--json] [--no-speed]`

Quality: note F1 with an onset within 50 ms and a pitch within 50 cents, and the same with offsets within 20 % of the
note or 50 ms (mir_eval's and MIREX's rules). Measured on the recordings of a folder, each a `.wav` beside a `.mid` with
its true notes, and on the pieces of `benchmarks.etudes`; drums by onsets within 50 ms. Both sides run the same network
on the same file; the peer's `predict` keeps its own defaults.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import soundfile

from benchmarks.etudes import Etude, drum_etudes, etudes
from benchmarks.patterns import SECONDS
from benchmarks.synthesis import RATE_HZ, missing, rendered
from bridge.audio.resample import mono, resampled
from bridge.audio.signal import ArraySignal
from bridge.model import Note
from bridge.transcription.registry import Transcribers

if TYPE_CHECKING:
    import numpy.typing as npt

DEFAULT_AUDIO = Path("../shared/audio/notes")
ONSET_SECONDS = 0.05
PITCH_CENTS = 50.0
OURS, PEER = "ours", "basic-pitch"
#: GM keys that count as each of the three drums.
DRUMS = {"kick": (35, 36), "snare": (38, 40), "hat": (42, 44, 46)}
WARM_SECONDS = 60
REPEATS = 3

#: (onset seconds, offset seconds, MIDI pitch)
Plain = tuple[float, float, int]


@dataclass(frozen=True)
class Sample:
    """A sound file with its true notes."""

    name: str
    as_stem: str
    path: Path
    notes: tuple[Plain, ...]


@dataclass(frozen=True)
class Quality:
    """One side's figures for one piece, 0–1."""

    piece: str
    engine: str
    precision: float
    recall: float
    f1: float
    f1_with_offsets: float


@dataclass(frozen=True)
class DrumQuality:
    """Onset F1 of each drum of one pattern; None where the pattern has none and none was found."""

    piece: str
    kick: float | None
    snare: float | None
    hat: float | None


@dataclass(frozen=True)
class Timing:
    """Medians in seconds, both sides in turns."""

    what: str
    ours: float
    basic_pitch: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.basic_pitch / self.ours


class Unwatched:
    """A `Control` that nobody listens to."""

    def checkpoint(self, fraction: float) -> None: ...

    def warn(self, warning: object) -> None: ...


class Peer:
    """basic-pitch as its users call it, its network loaded once. It prints for each file; that is swallowed."""

    def __init__(self) -> None:
        with _hushed():
            from basic_pitch import (  # type: ignore[import-untyped]  # it ships no types
                FilenameSuffix,
                build_icassp_2022_model_path,
            )
            from basic_pitch.inference import Model, predict  # type: ignore[import-untyped]

            self._predict: Callable[..., Any] = predict
            self._model = Model(build_icassp_2022_model_path(FilenameSuffix.onnx))

    def __call__(self, path: Path) -> list[Plain]:
        with _hushed():
            _, _, events = self._predict(str(path), self._model)
        return sorted((float(event[0]), float(event[1]), int(event[2])) for event in events)


class Ours:
    """A file read, resampled and transcribed as the bridge's worker does it, the network kept loaded."""

    def __init__(self) -> None:
        self._transcribers = Transcribers()

    def __call__(self, path: Path, stem: str) -> list[Note]:
        transcriber = self._transcribers.for_stem(stem)
        return transcriber.transcribe(_read(path, transcriber.sample_rate_hz), stem, Unwatched())


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def recordings(folder: Path) -> Iterator[Sample]:
    """Every `.wav` of the folder with a `.mid` of the same name; all are taken for one instrument of any kind."""
    for path in sorted(folder.glob("*.wav")):
        score = path.with_suffix(".mid")
        if score.is_file():
            yield Sample(path.stem, "other", path, tuple(_notes_of(score)))


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
            notes.append((sounding.pop(key), now, message.note))
        if message.type == "note_on" and message.velocity:
            sounding[key] = now
    return sorted(notes)


def rendered_samples(pieces: Sequence[Etude], folder: Path) -> list[Sample]:
    def render(piece: Etude) -> Sample:
        path = folder / f"{piece.name}.wav"
        soundfile.write(str(path), rendered(piece.part, SECONDS), RATE_HZ, subtype="PCM_24")
        notes = tuple((note.onset_seconds, min(note.offset_seconds, SECONDS), note.pitch) for note in piece.part.notes)
        return Sample(piece.name, piece.as_stem, path, notes)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # FluidSynth is a process of its own
        return list(pool.map(render, pieces))


def quality(sample: Sample, engine: str, found: Iterable[Plain]) -> Quality:
    from mir_eval.transcription import precision_recall_f1_overlap

    true, estimated = _arrays(sample.notes), _arrays(found)
    if not len(true[0]) or not len(estimated[0]):
        return Quality(sample.name, engine, 0.0, 0.0, 0.0, 0.0)
    options = {"onset_tolerance": ONSET_SECONDS, "pitch_tolerance": PITCH_CENTS}
    precision, recall, f1, _ = precision_recall_f1_overlap(*true, *estimated, **options, offset_ratio=None)
    with_offsets = precision_recall_f1_overlap(*true, *estimated, **options, offset_ratio=0.2)[2]
    return Quality(sample.name, engine, *(round(float(value), 3) for value in (precision, recall, f1, with_offsets)))


def _arrays(notes: Iterable[Plain]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Intervals (notes, 2) in seconds and pitches in Hz, as mir_eval takes them."""
    rows = [(onset, offset, 440 * 2 ** ((pitch - 69) / 12)) for onset, offset, pitch in notes if offset > onset]
    table = np.array(rows, np.float64).reshape(-1, 3)
    return table[:, :2], table[:, 2]


def drum_quality(sample: Sample, found: Iterable[Note]) -> DrumQuality:
    from mir_eval.onset import f_measure

    struck = list(found)
    scores: dict[str, float | None] = {}
    for drum, keys in DRUMS.items():
        true = np.array(sorted({onset for onset, _, pitch in sample.notes if pitch in keys}))
        heard = np.array(sorted({note.onset_seconds for note in struck if note.pitch in keys}))
        if len(true) and len(heard):
            scores[drum] = round(float(f_measure(true, heard, window=ONSET_SECONDS)[0]), 3)
        else:
            scores[drum] = 0.0 if len(true) or len(heard) else None
    return DrumQuality(sample.name, **scores)


def plain(notes: Iterable[Note]) -> list[Plain]:
    return [(note.onset_seconds, note.offset_seconds, note.pitch) for note in notes]


def timings(samples: Sequence[Sample], ours: Ours, peer: Peer, folder: Path, repeats: int) -> list[Timing]:
    """60 s of the samples with everything loaded, then both commands from nothing on the first of them."""
    minute = folder / "minute.wav"
    _write_minute(samples, minute)
    warm = _in_turns("60 s, warm", lambda: ours(minute, "mix"), lambda: peer(minute), repeats)
    sample = samples[0]
    seconds = soundfile.info(str(sample.path)).duration
    cold = _in_turns(
        f"{seconds:.1f} s, cold command",
        lambda: _run(
            [sys.executable, "-m", "bridge", "transcribe", "--json", "--out", _fresh(folder), str(sample.path)]
        ),
        lambda: _run(
            [_beside_python("basic-pitch"), "--model-serialization", "onnx", _fresh(folder), str(sample.path)]
        ),
        repeats,
    )
    return [warm, cold]


def _read(path: Path, rate_hz: int = RATE_HZ) -> ArraySignal:
    """A whole file, mono, at the rate that is wanted."""
    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    signal = resampled(mono(ArraySignal(samples, rate)), rate_hz)
    return ArraySignal(signal.read(0, signal.frames), rate_hz)


def _write_minute(samples: Sequence[Sample], path: Path) -> None:
    parts: list[npt.NDArray[np.float32]] = []
    frames = 0
    while frames < WARM_SECONDS * RATE_HZ:
        for sample in samples:
            signal = _read(sample.path)
            parts.append(signal.samples[:, 0])
            frames += signal.frames
    soundfile.write(str(path), np.concatenate(parts)[: WARM_SECONDS * RATE_HZ], RATE_HZ, subtype="PCM_16")


def _in_turns(what: str, ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> Timing:
    seconds: tuple[list[float], list[float]] = [], []
    for _ in range(repeats):
        for side, work in zip(seconds, (ours, peer), strict=True):
            start = time.perf_counter()
            work()
            side.append(time.perf_counter() - start)
    return Timing(what, *(round(statistics.median(side), 3) for side in seconds))


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _fresh(folder: Path) -> str:
    """A new folder: basic-pitch refuses to write over its own results."""
    return tempfile.mkdtemp(dir=folder)


def _beside_python(command: str) -> str:
    found = shutil.which(command, path=str(Path(sys.executable).parent)) or shutil.which(command)
    if found is None:
        raise SystemExit(f"The command {command} is not installed here.")
    return found


def print_quality(rows: Sequence[Quality]) -> None:
    print(f"{'note F1 (onset; with offset)':34}{OURS:>16}{PEER:>16}")
    for piece in dict.fromkeys(row.piece for row in rows):
        cells = [_cell([row for row in rows if (row.piece, row.engine) == (piece, engine)]) for engine in (OURS, PEER)]
        print(f"{piece:34}" + "".join(f"{cell:>16}" for cell in cells))
    for label, statistic in (("mean", statistics.mean), ("median", statistics.median)):
        cells = []
        for engine in (OURS, PEER):
            side = [row for row in rows if row.engine == engine]
            pair = (statistic([row.f1 for row in side]), statistic([row.f1_with_offsets for row in side]))
            cells.append(" / ".join(f"{value:.2f}" for value in pair))
        print(f"{label:34}" + "".join(f"{cell:>16}" for cell in cells))


def _cell(rows: Sequence[Quality]) -> str:
    return " ".join(f"{row.f1:.2f} / {row.f1_with_offsets:.2f}" for row in rows)


def print_drums(rows: Sequence[DrumQuality]) -> None:
    print(f"\n{'drum onset F1':34}" + "".join(f"{drum:>8}" for drum in DRUMS))
    for row in rows:
        scores = [getattr(row, drum) for drum in DRUMS]
        print(f"{row.piece:34}" + "".join(f"{'–' if score is None else f'{score:.2f}':>8}" for score in scores))
    means = [statistics.mean([score for row in rows if (score := getattr(row, drum)) is not None]) for drum in DRUMS]
    print(f"{'mean':34}" + "".join(f"{mean:8.2f}" for mean in means))


def print_timings(rows: Sequence[Timing]) -> None:
    print(f"\n{'seconds, median':34}{OURS:>10}{PEER:>14}{'ratio':>8}")
    for row in rows:
        print(f"{row.what:34}{row.ours:10.2f}{row.basic_pitch:14.2f}{row.ratio:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Note F1 and speed beside basic-pitch.")
    parser.add_argument("--audio", type=Path, default=DEFAULT_AUDIO, help="a folder of .wav files with .mid beside")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--no-speed", action="store_true", help="leave the speed rows out")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="runs of which a median is taken")
    arguments = parser.parse_args()
    ours, peer = Ours(), Peer()
    left_out: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = list(recordings(arguments.audio)) if arguments.audio.is_dir() else []
        if not samples:
            left_out.append("recordings: none was given with --audio")
        problem = missing()
        drums = [] if problem else rendered_samples(drum_etudes(), folder)
        samples += [] if problem else rendered_samples(etudes(), folder)
        if problem:
            left_out.append(f"rendered pieces and drums: {problem}")
        if not samples:
            raise SystemExit("Nothing to measure: " + "; ".join(left_out))
        qualities = []
        for sample in samples:
            qualities.append(quality(sample, OURS, plain(ours(sample.path, sample.as_stem))))
            qualities.append(quality(sample, PEER, peer(sample.path)))
        drum_rows = [drum_quality(sample, ours(sample.path, "drums")) for sample in drums]
        times = [] if arguments.no_speed else timings(samples, ours, peer, folder, arguments.repeats)
    if arguments.json:
        speed = [{**asdict(row), "ratio": round(row.ratio, 2)} for row in times]
        report = {"notes": [asdict(row) for row in qualities], "drums": [asdict(row) for row in drum_rows]}
        print(json.dumps({**report, "speed": speed, "left_out": left_out}, indent=2))
        return
    print_quality(qualities)
    if drum_rows:
        print_drums(drum_rows)
    if times:
        print_timings(times)
    for reason in left_out:
        print(f"left out – {reason}")


if __name__ == "__main__":
    main()
