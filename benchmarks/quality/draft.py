"""Separation quality and speed of the draft engine.

`python -m benchmarks.quality.draft [--clip STEMS.mp4] [--json]`

Measured on the songs of `benchmarks.corpora.songs`, whose parts are rendered separately so that every stem is known,
and, with `--clip`, on a recording whose file has the mixture, drums, bass, other and vocals as five streams. The
baseline is simple: harmonic-percussive separation, a low-pass for the bass, the centre for the voice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from benchmarks.corpora.patterns import SECONDS
from benchmarks.corpora.songs import Song, songs
from benchmarks.corpora.synthesis import RATE_HZ, missing, rendered
from benchmarks.speed.baseline import split_simply
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.separation.draft.engine import DraftSeparator
from bridge.stems import FOUR_STEMS

if TYPE_CHECKING:
    from bridge.protocols import Samples

    Stems = dict[str, Samples]
    Split = Callable[[Samples, int], Stems]

DEFAULT_CLIP = Path("../shared/audio/stems/rock80.stem.mp4")
STREAMS = ("mixture", "drums", "bass", "other", "vocals")
#: A stem with less power than this, relative to full scale, counts as silent; its leakage is measured instead.
SILENCE = 1e-10
REPEATS = 5


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


def drafted(mix: Samples, rate_hz: int) -> Stems:
    blocks = list(DraftSeparator().separate(ArraySignal(mix, rate_hz), FOUR_STEMS, NullControl()))
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in FOUR_STEMS}


ENGINES: dict[str, Split] = {"draft": drafted, "baseline": split_simply}


def score(piece: str, engine: str, truth: Stems, estimate: Stems) -> Iterator[Score]:
    """SDR as in the Music Demixing Challenge (10 log10 of the true stem's power over the error's), and SI-SDR."""
    mix_power = float(np.mean(np.square(sum(truth.values()), dtype=np.float64)))
    for stem in FOUR_STEMS:
        true, estimated = truth[stem].astype(np.float64), estimate[stem].astype(np.float64)
        power = float(np.mean(true**2))
        if power < SILENCE:
            yield Score(piece, stem, engine, None, None, _decibels(float(np.mean(estimated**2)), mix_power))
            continue
        scaled = true * float(np.sum(true * estimated) / np.sum(true**2))
        sdr = _decibels(power, float(np.mean((true - estimated) ** 2)))
        si_sdr = _decibels(float(np.mean(scaled**2)), float(np.mean((scaled - estimated) ** 2)))
        yield Score(piece, stem, engine, sdr, si_sdr, None)


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
    streams = {}
    for number, name in enumerate(STREAMS):
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=number)]
            rate_hz = container.streams.audio[number].rate
        streams[name] = np.ascontiguousarray(np.concatenate(frames, axis=1).T.astype(np.float32))
    return {stem: streams[stem] for stem in FOUR_STEMS}, int(rate_hz)


def mixed(stems: Stems) -> Samples:
    mix: Samples = np.sum([stems[stem] for stem in FOUR_STEMS], axis=0, dtype=np.float32)
    return mix


def scores(pieces: dict[str, tuple[Stems, int]]) -> list[Score]:
    found: list[Score] = []
    for name, (stems, rate_hz) in pieces.items():
        mix = mixed(stems)
        for engine, split in ENGINES.items():
            found += score(name, engine, stems, split(mix, rate_hz))
    return found


def pieces_to_measure(clip: Path | None) -> tuple[dict[str, tuple[Stems, int]], list[str]]:
    """All available pieces, and the reasons for those that are left out."""
    pieces: dict[str, tuple[Stems, int]] = {}
    left_out = []
    if clip is not None and clip.is_file():
        pieces[clip.name.split(".")[0]] = recorded_stems(clip)
    else:
        left_out.append("the recording: none was given with --clip")
    problem = missing()
    if problem is None:
        played = songs()
        with ThreadPoolExecutor(2) as pool:  # FluidSynth is a separate process
            for song, stems in zip(played, pool.map(rendered_song, played), strict=True):
                pieces[song.name] = stems, RATE_HZ
    else:
        left_out.append(f"the rendered songs: {problem}")
    return pieces, left_out


@dataclass(frozen=True)
class Speed:
    """Medians of several runs on the first piece."""

    clip_seconds: float
    import_seconds: float
    first_seconds: float
    """The first separation in a process, without the import."""
    first_times_real_time: float
    warm_seconds: float
    warm_times_real_time: float


_FIRST = """
import sys, time
import numpy as np
mix = np.load(sys.argv[1])
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.separation.draft.engine import DraftSeparator
start = time.perf_counter()
list(DraftSeparator().separate(ArraySignal(mix, int(sys.argv[2])), ["vocals", "drums", "bass", "other"], NullControl()))
print(time.perf_counter() - start)
"""


def speed(mix: Samples, rate_hz: int, folder: Path) -> Speed:
    """Measures the speed on `mix`. Import (including numpy's) and first separation are measured in new processes."""

    saved = folder / "mix.npy"
    np.save(saved, mix)
    imports = [_timed_import() for _ in range(REPEATS)]
    command = [sys.executable, "-c", _FIRST, str(saved), str(rate_hz)]
    first = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(REPEATS)]
    warm = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        drafted(mix, rate_hz)
        warm.append(time.perf_counter() - start)
    length = len(mix) / rate_hz
    medians = [statistics.median(values) for values in (imports, first, warm)]
    return Speed(length, medians[0], medians[1], length / medians[1], medians[2], length / medians[2])


def _timed_import() -> float:
    module = "bridge.separation.draft.engine"
    program = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return float(printed)


def print_table(found: list[Score]) -> None:
    print(f"{'SDR in dB (draft / baseline)':34}" + "".join(f"{stem:>16}" for stem in FOUR_STEMS))
    print("leak of a silent stem in dB of the mix in brackets")
    for piece in dict.fromkeys(row.piece for row in found):
        cells = [_cell([row for row in found if (row.piece, row.stem) == (piece, stem)]) for stem in FOUR_STEMS]
        print(f"{piece:34}" + "".join(f"{cell:>16}" for cell in cells))
    for label, statistic in (("mean", statistics.mean), ("worst", min)):
        cells = []
        for stem in FOUR_STEMS:
            values = [
                statistic(
                    [row.sdr for row in found if row.stem == stem and row.engine == engine and row.sdr is not None]
                )
                for engine in ENGINES
            ]
            cells.append(" / ".join(f"{value:.1f}" for value in values))
        print(f"{label:34}" + "".join(f"{cell:>16}" for cell in cells))


def print_speed(measured: Speed) -> None:
    print(f"import {measured.import_seconds:.2f} s; a clip of {measured.clip_seconds:.1f} s:")
    print(f"  first of a process {measured.first_seconds:.2f} s, {measured.first_times_real_time:.0f} × real time")
    print(f"  warm {measured.warm_seconds:.2f} s, {measured.warm_times_real_time:.0f} × real time")


def _cell(rows: list[Score]) -> str:
    texts = [f"({row.leak:.0f})" if row.sdr is None else f"{row.sdr:.1f}" for row in rows]
    return " / ".join(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description="SDR per stem and speed of the draft engine.")
    parser.add_argument("--clip", type=Path, default=DEFAULT_CLIP, help="a file with five streams, the mixture first")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    pieces, left_out = pieces_to_measure(arguments.clip)
    if not pieces:
        raise SystemExit("Nothing to measure: " + "; ".join(left_out))
    found = scores(pieces)
    stems, rate_hz = next(iter(pieces.values()))
    with tempfile.TemporaryDirectory() as folder:
        measured = speed(mixed(stems), rate_hz, Path(folder))
    if arguments.json:
        rows = [asdict(row) for row in found]
        print(json.dumps({"scores": rows, "speed": asdict(measured), "left_out": left_out}, indent=2))
        return
    print_table(found)
    print_speed(measured)
    for reason in left_out:
        print(f"left out – {reason}")


if __name__ == "__main__":
    main()
