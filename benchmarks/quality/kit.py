"""Quality of split drums: `python -m benchmarks.quality.kit [--seeds 24] [--from 0] [--engines draft,good]`.

SDR of each part in dB (10 log10 of the true part's power over the error's), beside that of plain crossovers and of the
drum stem itself, on kits whose drums are rendered one by one: the patterns of `benchmarks.quality.drums` and random
parts on the kits of the sound font, random parts on synthetic kits, and the drums that engines separate from random
songs. The hits are always those that the transcriber finds. The constants were chosen on parts from seed 1000 on; no
other seed was fitted to. With `--recordings`: of real kits, which share of the hits that are read from each part are
hits of it. At last the seconds that splitting a minute takes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import soundfile

from benchmarks.corpora.patterns import SECONDS
from benchmarks.corpora.random_drums import random_part
from benchmarks.corpora.random_songs import random_song
from benchmarks.corpora.songs import Song
from benchmarks.corpora.synthesis import RATE_HZ, Part, missing, played
from benchmarks.corpora.synthetic_drums import synthesised
from benchmarks.quality.drums import patterns
from benchmarks.quality.separation import mixed, rendered_song, splits
from bridge.audio.resample import mono, resampled
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.separation.kit.splitter import split_kit
from bridge.stems import DRUMS, KIT, KIT_TABLE
from bridge.transcription.drums.transcriber import DrumDetector

if TYPE_CHECKING:
    from benchmarks.quality.separation import Split
    from bridge.protocols import Samples

#: Part → its sound.
Parts: TypeAlias = "Mapping[str, Samples]"
#: The upper edges of the bands that crossovers give to each part but the last, in Hz.
CROSSOVERS_HZ = {"kick": 120.0, "toms": 300.0, "snare": 4500.0, "hats": 9000.0}
#: A part below this power is not in the piece; what is found of it is measured as a leak.
SILENCE = 1e-9
PEAK = 0.25
WARM_SECONDS, REPEATS = 60, 5
DEFAULT_RECORDINGS = Path("../shared/audio/drums")


@dataclass(frozen=True)
class KitPiece:
    """A drum stem with its true parts."""

    group: str
    name: str
    sound: Callable[[], tuple[Samples, Parts]]


@dataclass(frozen=True)
class PartScore:
    """One part of one piece, in dB; of a silent part only the leak, relative to the stem."""

    group: str
    piece: str
    part: str
    kit: float | None
    crossovers: float | None
    stem: float | None
    leak: float | None


def pieces(first: int, seeds: int, engines: Mapping[str, Split]) -> Iterator[KitPiece]:
    """All pieces; those at random from seed `first` on."""
    for name, part in patterns():
        yield KitPiece("patterns", name, partial(_dry, part))
    for seed in range(first, first + seeds):
        part = random_part(seed)
        yield KitPiece("random", f"seed {seed}, kit {part.program}", partial(_dry, part))
        if seed % 2:
            yield KitPiece("synthetic", f"seed {seed}", partial(_dry, part, seed=seed))
    for engine, split in engines.items():
        for seed in range(first, first + seeds, 2):
            song = random_song(2 * seed + 1)
            yield KitPiece(f"separated by {engine}", song.name, partial(_separated, song, split))


def _dry(part: Part, seed: int | None = None) -> tuple[Samples, Parts]:
    """The part played drum by drum, and their sum."""
    true = _true_parts(part, seed)
    gain = PEAK / max(float(np.abs(sum(true.values())).max()), 1e-9)
    parts = {name: np.asarray(wave * gain, np.float32) for name, wave in true.items()}
    return _sum(parts), parts


def _true_parts(part: Part, seed: int | None) -> dict[str, Samples]:
    frames = round(SECONDS * RATE_HZ)
    found = {}
    for name, row in KIT_TABLE.items():
        notes = tuple(note for note in part.notes if note.pitch in row.keys)
        if not notes:
            wave = np.zeros((frames, 2))
        elif seed is None:
            wave = played(replace(part, notes=notes), frames)
        else:
            wave = synthesised(np.random.default_rng(seed), notes, frames)
        found[name] = np.asarray(wave, np.float32)
    return found


def _separated(song: Song, split: Split) -> tuple[Samples, Parts]:
    """The drums as an engine separates them from a song, and the true parts as they are in its mix."""
    stems = rendered_song(song)
    part = next(part for part in song.parts if part.is_drums)
    true = _true_parts(part, None)
    together = _sum(true)
    if song.mono:
        true = {name: np.repeat(wave.mean(axis=1, keepdims=True), 2, axis=1) for name, wave in true.items()}
    gain = float(np.sqrt(np.square(stems[DRUMS]).sum() / max(float(np.square(together).sum()), 1e-12)))
    parts = {name: np.asarray(wave * gain, np.float32) for name, wave in true.items()}
    return split(mixed(stems), RATE_HZ)[DRUMS], parts


def _sum(parts: Parts) -> Samples:
    return np.asarray(np.sum([*parts.values()], axis=0), np.float32)


def hits_in(samples: Samples, rate_hz: int = RATE_HZ) -> list[Note]:
    detector = DrumDetector()
    audio = resampled(mono(ArraySignal(samples, rate_hz)), detector.sample_rate_hz)
    return detector.transcribe(audio, DRUMS, NullControl())


def kit_of(samples: Samples, hits: Sequence[Note], rate_hz: int = RATE_HZ) -> Parts:
    """The parts; stops where they are no numbers, or do not sum to the stem."""
    blocks = [*split_kit(ArraySignal(samples, rate_hz), hits, NullControl())]
    parts = {part: np.concatenate([block[part] for block in blocks]) for part in KIT}
    assert np.abs(_sum(parts) - samples).max() <= 1e-5 * max(float(np.abs(samples).max()), 1e-9)
    return parts


def crossovers(samples: Samples) -> Parts:
    """What plain filters of fourth order without delay make of a stem."""
    rest, found = samples, {}
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)[:, np.newaxis]
    for part, hertz in CROSSOVERS_HZ.items():
        spectrum = np.fft.rfft(rest, axis=0) / (1 + (frequency / hertz) ** 8)
        found[part] = np.fft.irfft(spectrum, len(samples), axis=0).astype(np.float32)
        rest = rest - found[part]
    return {**found, "cymbals": rest}


def scores(piece: KitPiece) -> list[PartScore]:
    stem, true = piece.sound()
    split, filtered = kit_of(stem, hits_in(stem)), crossovers(stem)
    rows = []
    for part, wave in true.items():
        row = partial(PartScore, piece.group, piece.name, part)
        if float(np.square(wave).mean()) < SILENCE:
            rows.append(row(None, None, None, _decibels(split[part], stem)))
        else:
            rows.append(row(_sdr(wave, split[part]), _sdr(wave, filtered[part]), _sdr(wave, stem), None))
    return rows


def _sdr(true: Samples, found: Samples) -> float:
    return _decibels(true, true - found)


def _decibels(samples: Samples, reference: Samples) -> float:
    powers = [float(np.square(each, dtype=np.float64).sum()) + 1e-12 for each in (samples, reference)]
    return round(10 * float(np.log10(powers[0] / powers[1])), 2)


@dataclass(frozen=True)
class Agreement:
    """One part of a real kit: its hits in the stem, hits read again from the part, and which share of these are its."""

    recording: str
    part: str
    hits: int
    read_again: int
    share: float | None


def agreements(path: Path) -> Iterator[Agreement]:
    samples, rate_hz = soundfile.read(str(path), dtype="float32", always_2d=True)
    hits = hits_in(samples, rate_hz)
    for part, wave in kit_of(samples, hits, rate_hz).items():
        keys = KIT_TABLE[part].keys
        again = [note.pitch for note in hits_in(np.ascontiguousarray(wave), rate_hz)]
        own = sum(pitch in keys for pitch in again)
        there = sum(note.pitch in keys for note in hits)
        yield Agreement(path.stem, part, there, len(again), round(own / len(again), 2) if again else None)


def seconds_a_minute() -> list[float]:
    """Seconds of a core to split a minute of stereo, its hits known: one value per run. Other programs do not count."""
    _, part = next(iter(patterns()))
    stem, _ = _dry(part)
    samples = np.resize(stem, (WARM_SECONDS * RATE_HZ, 2))
    hits = hits_in(samples)
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        kit_of(samples, hits)
        seconds.append(round(time.process_time() - start, 3))
    return seconds


def print_table(rows: Sequence[PartScore]) -> None:
    print(f"{'SDR in dB: kit / crossovers / the stem itself':44}" + "".join(f"{part:>24}" for part in KIT))
    for group in dict.fromkeys(row.group for row in rows):
        cells = []
        for part in KIT:
            here = [row for row in rows if (row.group, row.part) == (group, part) and row.kit is not None]
            texts = [f"{_mean(here, name):.1f}" for name in ("kit", "crossovers", "stem")] if here else ["–"]
            cells.append(f"{' / '.join(texts)} ({len(here)})")
        print(f"{group:44}" + "".join(f"{cell:>24}" for cell in cells))
    leaks = [row.leak for row in rows if row.leak is not None]
    if leaks:
        print(f"parts that are not played: {statistics.median(leaks):.0f} dB of the stem, the loudest {max(leaks):.0f}")


def _mean(rows: Sequence[PartScore], name: str) -> float:
    return statistics.fmean(float(getattr(row, name)) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="SDR of the parts of split drums, and speed.")
    parser.add_argument("--seeds", type=int, default=24, help="how many parts drawn at random")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--engines", default="draft", help="what separates the random songs; empty: nothing")
    parser.add_argument("--models", type=Path, default=Path("models"), help="the folder of models, for other engines")
    parser.add_argument("--recordings", type=Path, default=DEFAULT_RECORDINGS, help="a folder of drum stems")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    problem = missing()
    if problem:
        raise SystemExit(f"Nothing to measure: {problem}")
    engines = splits([name for name in arguments.engines.split(",") if name], arguments.models)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # FluidSynth is a process of its own
        everything = [*pieces(arguments.first, arguments.seeds, engines)]
        rows = [row for found in pool.map(scores, everything) for row in found]
    agreed = [row for path in sorted(arguments.recordings.glob("*.flac")) for row in agreements(path)]
    speed = seconds_a_minute()
    if arguments.json:
        report = {"parts": [asdict(row) for row in rows], "recordings": [asdict(row) for row in agreed]}
        print(json.dumps({**report, "seconds_a_minute": speed}, indent=2))
        return
    print_table(rows)
    for row in agreed:
        print(
            f"{row.recording}, {row.part}: {row.hits} hits; read again {row.read_again}, of which its own: {row.share}"
        )
    print(f"a minute of stereo, on one core: {statistics.median(speed):.2f} s ({min(speed):.2f}–{max(speed):.2f})")


if __name__ == "__main__":
    main()
