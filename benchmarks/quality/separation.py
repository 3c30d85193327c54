"""Separation quality of the engines that come with the bridge, and their speed.

`python -m benchmarks.quality.separation [--recordings FOLDER] [--models DIR] [--engines good,draft] [--json]`

Measured on songs whose parts are rendered one by one, so that every stem is known: `benchmarks.corpora.songs`, with a
synthesised lead, on which draft was tuned, and `benchmarks.corpora.sung_songs`, with a human voice, to which nothing
was fitted. With `--recordings`, on recordings whose stems are known: `NAME.stem.mp4` (mixture, drums, bass, other and
vocals as five streams), and folders with `vocals.flac`, `drums.flac`, `bass.flac` and `other.flac`. The baseline is
simple: harmonic-percussive separation, a low-pass for the bass, the centre for the voice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import soundfile

from benchmarks.corpora.patterns import SECONDS
from benchmarks.corpora.songs import Song, songs
from benchmarks.corpora.sung_songs import SEEDS, sung_song
from benchmarks.corpora.synthesis import RATE_HZ, missing, rendered
from benchmarks.corpora.voices import missing_voice
from benchmarks.speed.baseline import split_simply
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.pipeline.channels import separated, stems_of
from bridge.separation.draft.engine import DraftSeparator
from bridge.separation.families.table import EngineFamilies
from bridge.separation.registry import EngineRegistry
from bridge.stems import FOUR_STEMS
from bridge.system.clock import SystemClock

if TYPE_CHECKING:
    from bridge.protocols import Samples, Separator

    Stems = dict[str, Samples]
    Split = Callable[[Samples, int], Stems]

DEFAULT_RECORDINGS = Path("../shared/audio/stems")
STREAMS = ("mixture", "drums", "bass", "other", "vocals")
#: A stem with less power than this, relative to full scale, counts as silent; its leakage is measured instead.
SILENCE = 1e-10
REPEATS = 5
BASELINE = "baseline"


@dataclass(frozen=True)
class Score:
    """One stem of one piece, in dB. A silent stem has only `leak`; for other stems it is None."""

    piece: str
    stem: str
    engine: str
    sdr: float | None
    si_sdr: float | None
    leak: float | None
    """Power of the estimate of a silent stem, relative to the mix."""


def split_by(separator: Separator, mix: Samples, rate_hz: int) -> Stems:
    """The stems of an engine as a job writes them, at the mix's own rate; `other` takes what no stem has."""
    stems = stems_of(separator)
    blocks = list(separated(separator, ArraySignal(mix, rate_hz), stems, NullControl()))
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in stems}


def drafted(mix: Samples, rate_hz: int) -> Stems:
    return split_by(DraftSeparator(), mix, rate_hz)


def splits(engines: Sequence[str], models: Path) -> dict[str, Split]:
    """Each engine, loaded; `baseline` is one too."""
    registry = EngineRegistry(EngineFamilies.of(models), clock=SystemClock())

    def split(name: str) -> Split:
        if name == BASELINE:
            return split_simply
        separator = registry.open(name, "cpu", NullControl())
        return lambda mix, rate_hz: split_by(separator, mix, rate_hz)

    return {name: split(name) for name in engines}


def score(piece: str, engine: str, truth: Stems, estimate: Stems) -> Iterator[Score]:
    """SDR as in the Music Demixing Challenge (10 log10 of the true stem's power over the error's), and SI-SDR."""
    mix_power = float(np.mean(np.square(sum(truth.values()), dtype=np.float64)))
    if set(estimate) != set(truth):  # an engine with fewer stems: its `other` is all that it does not take out
        taken = [stem for stem in estimate if stem != "other"]
        truth = {**{stem: truth[stem] for stem in taken}, "other": _sum(truth, set(truth) - set(taken))}
    for stem in truth:
        true, estimated = truth[stem].astype(np.float64), estimate[stem].astype(np.float64)
        power = float(np.mean(true**2))
        if power < SILENCE:
            yield Score(piece, stem, engine, None, None, _decibels(float(np.mean(estimated**2)), mix_power))
            continue
        scaled = true * float(np.sum(true * estimated) / np.sum(true**2))
        sdr = _decibels(power, float(np.mean((true - estimated) ** 2)))
        si_sdr = _decibels(float(np.mean(scaled**2)), float(np.mean((scaled - estimated) ** 2)))
        yield Score(piece, stem, engine, sdr, si_sdr, None)


def _sum(stems: Stems, names: Iterable[str]) -> Samples:
    total: Samples = np.sum([stems[name] for name in names], axis=0, dtype=np.float32)
    return total


def _decibels(power: float, reference: float) -> float:
    return round(10 * float(np.log10(max(power, 1e-14) / max(reference, 1e-14))), 2)


def rendered_song(song: Song) -> Stems:
    """The song's four stems as they are in its mix; stems without a part are silent."""
    stems = {stem: np.zeros((round(SECONDS * RATE_HZ), 2), np.float32) for stem in FOUR_STEMS}
    for part in song.parts:
        stems[part.stem] += rendered(part, SECONDS)
    if song.mono:
        stems = {stem: np.repeat(samples.mean(axis=1, keepdims=True), 2, axis=1) for stem, samples in stems.items()}
    return stems


def recorded_stems(path: Path) -> tuple[Stems, int]:
    """The four stems of a recording, and its sample rate. The mixture stream is not used."""
    if path.is_dir():
        read = {
            stem: soundfile.read(str(path / f"{stem}.flac"), dtype="float32", always_2d=True) for stem in FOUR_STEMS
        }
        return {stem: np.repeat(samples, 2 // samples.shape[1], axis=1) for stem, (samples, _) in read.items()}, int(
            read["vocals"][1]
        )
    streams = {}
    for number, name in enumerate(STREAMS):
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=number)]
            rate_hz = container.streams.audio[number].rate
        streams[name] = np.ascontiguousarray(np.concatenate(frames, axis=1).T.astype(np.float32))
    return {stem: streams[stem] for stem in FOUR_STEMS}, int(rate_hz)


def mixed(stems: Stems) -> Samples:
    return _sum(stems, FOUR_STEMS)


def scores(pieces: dict[str, tuple[Stems, int]], engines: dict[str, Split]) -> list[Score]:
    found: list[Score] = []
    for name, (stems, rate_hz) in pieces.items():
        mix = mixed(stems)
        for engine, split in engines.items():
            found += score(name, engine, stems, split(mix, rate_hz))
    return found


def pieces_to_measure(recordings: Path | None) -> tuple[dict[str, tuple[Stems, int]], list[str]]:
    """All available pieces, and the reasons for those that are left out."""
    pieces: dict[str, tuple[Stems, int]] = {}
    left_out = []
    found = [] if recordings is None else [*recordings.glob("*.stem.mp4"), *recordings.glob("*/vocals.flac")]
    for path in sorted(found):
        name = path.parent.name if path.name == "vocals.flac" else path.name.split(".")[0]
        pieces[f"recording: {name}"] = recorded_stems(path.parent if path.name == "vocals.flac" else path)
    if not found:
        left_out.append("recordings: none were found in the folder of --recordings")
    with ThreadPoolExecutor(2) as pool:  # FluidSynth is a separate process
        problem = missing()
        voice_problem = problem or missing_voice()
        if voice_problem is None:
            for name, stems in pool.map(sung_song, range(len(SEEDS))):
                pieces[name] = stems, RATE_HZ
        else:
            left_out.append(f"the songs with a human voice: {voice_problem}")
        if problem is None:
            played = songs()
            for song, stems in zip(played, pool.map(rendered_song, played), strict=True):
                pieces[f"song: {song.name}"] = stems, RATE_HZ
        else:
            left_out.append(f"the rendered songs: {problem}")
    return pieces, left_out


@dataclass(frozen=True)
class Speed:
    """Medians of several runs on the longest piece."""

    clip_seconds: float
    first_seconds: float | None
    """Opening the engine and separating, in a new process that has not imported anything; None for the baseline."""
    warm_seconds: float
    warm_times_real_time: float


_FIRST = """
import sys, time
start = time.perf_counter()
from pathlib import Path
import numpy as np
mix = np.load(sys.argv[2])
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.separation.families.table import EngineFamilies
from bridge.separation.registry import EngineRegistry
from bridge.system.clock import SystemClock
families = EngineFamilies.of(Path("models"), conversions=Path(sys.argv[4]))
separator = EngineRegistry(families, clock=SystemClock()).open(sys.argv[1], "cpu", NullControl())
list(separator.separate(ArraySignal(mix, int(sys.argv[3])), separator.stems, NullControl()))
print(time.perf_counter() - start)
"""


def speed(name: str, split: Split, mix: Samples, rate_hz: int, folder: Path) -> Speed:
    """Measures the speed on `mix`; the first separation in new processes, of which the very first converts weights."""
    saved = folder / "mix.npy"
    np.save(saved, mix)
    first = None
    if name != BASELINE:
        command = [sys.executable, "-c", _FIRST, name, str(saved), str(rate_hz), str(folder / "converted")]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(REPEATS + 1)]
        first = statistics.median(float(run.stdout) for run in runs[1:])
    split(mix, rate_hz)
    warm = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        split(mix, rate_hz)
        warm.append(time.perf_counter() - start)
    length, median = len(mix) / rate_hz, statistics.median(warm)
    return Speed(length, first, median, length / median)


#: Pieces whose names begin alike have a mean of their own.
GROUPS = {
    "recording:": "recordings",
    "sung": "sung songs",
    "spoken": "spoken songs",
    "song:": "songs of draft's tuning",
}


def print_table(found: list[Score], engines: Sequence[str]) -> None:
    """A row for each piece and group."""
    print(f"{'SDR in dB: ' + ' / '.join(engines):44}" + "".join(f"{stem:>24}" for stem in FOUR_STEMS))
    print("leak of a silent stem in dB of the mix in brackets")
    for piece in dict.fromkeys(row.piece for row in found):
        print_row(piece, [row for row in found if row.piece == piece], engines)
    for start, label in GROUPS.items():
        print_row(f"mean of the {label}", [row for row in found if row.piece.startswith(start)], engines)
    unseen = [row for row in found if not row.piece.startswith("song:")]
    print_row("mean of all but those of draft's tuning", unseen, engines)


def print_row(label: str, rows: list[Score], engines: Sequence[str]) -> None:
    cells = []
    for stem in FOUR_STEMS:
        texts = [_cell([row for row in rows if (row.stem, row.engine) == (stem, engine)]) for engine in engines]
        cells.append(" / ".join(texts))
    if rows:
        print(f"{label:44}" + "".join(f"{cell:>24}" for cell in cells))


def print_speed(name: str, measured: Speed) -> None:
    first = "" if measured.first_seconds is None else f"; first of a new process {measured.first_seconds:.2f} s"
    print(
        f"{name}: {measured.clip_seconds:.1f} s warm in {measured.warm_seconds:.2f} s, "
        f"{measured.warm_times_real_time:.0f} × real time{first}"
    )


def _cell(rows: list[Score]) -> str:
    heard = [row.sdr for row in rows if row.sdr is not None]
    leaks = [row.leak for row in rows if row.leak is not None]
    if heard:
        return f"{statistics.mean(heard):.1f}"
    return f"({statistics.mean(leaks):.0f})" if leaks else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description="SDR per stem, and speed.")
    parser.add_argument(
        "--recordings", type=Path, default=DEFAULT_RECORDINGS, help="a folder with recordings whose stems are known"
    )
    parser.add_argument("--models", type=Path, default=Path("models"), help="the folder of models, for other engines")
    parser.add_argument("--engines", default="good,spleeter,draft,baseline", help="the engines to measure")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    pieces, left_out = pieces_to_measure(arguments.recordings)
    if not pieces:
        raise SystemExit("Nothing to measure: " + "; ".join(left_out))
    engines = splits(arguments.engines.split(","), arguments.models)
    found = scores(pieces, engines)
    stems, rate_hz = max(pieces.values(), key=lambda piece: len(piece[0]["vocals"]))
    with tempfile.TemporaryDirectory() as folder:
        measured = {name: speed(name, split, mixed(stems), rate_hz, Path(folder)) for name, split in engines.items()}
    if arguments.json:
        rows = [asdict(row) for row in found]
        speeds = {name: asdict(values) for name, values in measured.items()}
        print(json.dumps({"scores": rows, "speed": speeds, "left_out": left_out}, indent=2))
        return
    print_table(found, list(engines))
    for name, values in measured.items():
        print_speed(name, values)
    for reason in left_out:
        print(f"left out – {reason}")


if __name__ == "__main__":
    main()
