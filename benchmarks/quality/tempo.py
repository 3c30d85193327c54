"""Accuracy of the tempo estimate: `python -m benchmarks.quality.tempo [--count N] [--music FOLDER] [--json]`.

Loops of twenty styles (`benchmarks.corpora.loops`) at random tempi, half of them whole, half with one decimal, rendered
by FluidSynth and cut to the sample; the same padded with silence and with a tail; songs that begin and end anywhere;
sounds without a tempo; and songs in even and odd metres (`benchmarks.quality.metres`), beside an earlier version. The
seeds are not those to which `bridge.music` was fitted.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

from benchmarks.corpora.loops import STYLES, Loop, loop
from benchmarks.corpora.patterns import PIANO, STRINGS
from benchmarks.corpora.synthesis import RATE_HZ, Part, missing, rendered, sing
from benchmarks.quality import metres
from benchmarks.quality.metres import peer_folder, song_found
from benchmarks.report import Figure, Row, show
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.model import Note
from bridge.music.tempo.estimate import CONFIDENT, TempoEstimate, estimate_tempo

if TYPE_CHECKING:
    from bridge.protocols import Samples

FIRST_SEED = 1000
EXACT_BPM = 0.05
#: Songs are cut out of music of this length.
SONG_SECONDS = 66.0
#: (group, true tempo or 0 for none, estimate) of a clip.
Measured = tuple[str, float, TempoEstimate]


@dataclass(frozen=True)
class Clip:
    group: str
    samples: Samples
    rate_hz: int = RATE_HZ
    tempo_bpm: float = 0.0

    def measured(self) -> Measured:
        return self.group, self.tempo_bpm, estimate_tempo(ArraySignal(self.samples, self.rate_hz), NullControl())


def loops(seed: int) -> list[Measured]:
    """One loop: exact, at another sample rate, padded with silence, and with its tail."""
    rng = random.Random(seed)
    style = STYLES[seed % len(STYLES)]
    kind = rng.choice(("drums", "drums", "bass", "chords", "melody", "mix", "mix"))
    drawn = rng.uniform(*style.tempi)
    tempo = float(round(drawn)) if rng.random() < 0.5 else round(drawn, 1)
    made = loop(style, kind, tempo, rng.choice((1, 2, 2, 4, 4, 8, 3, 5, 6, 7)), seed)
    return [clip.measured() for clip in _cut(made, rng)]


def _cut(made: Loop, rng: random.Random) -> Iterator[Clip]:
    long = _mixed(made.repeated(2), made.seconds * 2 + 2)
    frames = round(made.seconds * RATE_HZ)
    once, again = long[:frames], long[frames : 2 * frames]
    yield Clip("loop", once, tempo_bpm=made.tempo_bpm)
    at_48k = soxr.resample(again, RATE_HZ, 48000)[: round(made.seconds * 48000)]
    if len(at_48k) == round(made.seconds * 48000):
        yield Clip("loop", at_48k, 48000, made.tempo_bpm)
    silence = np.zeros((rng.randrange(100, 1300), 2), np.float32)
    if made.tempo_bpm == round(made.tempo_bpm):
        padded = [silence, again] if rng.random() < 0.5 else [again, silence]
        yield Clip("loop in silence", np.concatenate(padded), tempo_bpm=made.tempo_bpm)
    tail = long[2 * frames : 2 * frames + round(rng.uniform(0.3, 1.5) * RATE_HZ)]
    yield Clip("loop with a tail", np.concatenate((again, tail)), tempo_bpm=made.tempo_bpm)


def songs(seed: int) -> list[Measured]:
    """An arbitrary section of verses and choruses of one style, with human timing."""
    rng = random.Random(seed)
    style = STYLES[seed % len(STYLES)]
    tempo = round(rng.uniform(*style.tempi), 1)
    kinds = enumerate(("mix", "mix", "melody"))
    verse, chorus, tune = (loop(style, kind, tempo, 8, seed + place) for place, kind in kinds)
    sections = (verse.parts, (*chorus.parts, *tune.parts))
    count = math.ceil(SONG_SECONDS / verse.seconds)
    parts = [_moved(part, turn * verse.seconds, rng) for turn in range(count) for part in sections[turn % 2]]
    length = rng.uniform(30, 60)
    long = _mixed(Loop(style.name, tempo, 8 * count, _joined(parts)), SONG_SECONDS)
    begin = round(rng.uniform(0, 5) * RATE_HZ)
    return [Clip("song", long[begin : begin + round(length * RATE_HZ)], tempo_bpm=tempo).measured()]


def _moved(part: Part, start: float, rng: random.Random) -> Part:
    notes = tuple(
        Note(
            onset_seconds=max(0.0, note.onset_seconds + start + (late := rng.gauss(0, 0.006))),
            offset_seconds=note.offset_seconds + start + late,
            pitch=note.pitch,
            velocity=note.velocity,
        )
        for note in part.notes
    )
    return Part(part.stem, notes, part.program)


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    by_player: dict[tuple[str, int], list[Note]] = {}
    for part in parts:
        by_player.setdefault((part.stem, part.program), []).extend(part.notes)
    return tuple(Part(stem, tuple(notes), program) for (stem, program), notes in by_player.items())


def without_tempo(seed: int) -> list[Measured]:
    """Noise, speech-like syllables, rubato, one chord, scattered clicks, two hits."""
    rng = np.random.default_rng(seed)
    seconds = float(rng.choice((2.0, 4.0, 5.3, 8.0, 16.0, 30.0)))
    frames = round(seconds * RATE_HZ)
    steady = tuple(_note(0.0, seconds, pitch, 90) for pitch in (48, 55, 60, 64))
    clicks = np.zeros(frames)
    for start in rng.integers(0, frames - 2000, int(4 * seconds)):
        clicks[start : start + 2000] += rng.standard_normal(2000) * np.exp(-np.arange(2000) / 400)
    two_hits = (_note(0.0, 0.1, 36, 100), _note(0.25, 0.4, 38, 100))
    sounds: dict[str, Callable[[], Samples]] = {
        "noise": lambda: _mono(0.1 * rng.standard_normal(frames)),
        "speech": lambda: _mono(sing(_syllables(rng, seconds), frames)),
        "rubato": lambda: rendered(Part("piano", _rubato(rng, seconds), PIANO), seconds),
        "one chord": lambda: rendered(Part("other", steady, (PIANO, STRINGS)[seed % 2]), seconds),
        "scattered clicks": lambda: _mono(0.2 * clicks),
        "two strokes": lambda: rendered(Part("drums", two_hits), 0.7),
    }
    return [(name, 0.0, Clip(name, made()).measured()[2]) for name, made in sounds.items()]


def _syllables(rng: np.random.Generator, seconds: float) -> list[Note]:
    notes, now = [], 0.1
    while now < seconds - 0.4:
        length = float(rng.lognormal(np.log(0.17), 0.4))
        notes.append(_note(now, now + 0.95 * length, int(58 + rng.integers(-3, 4)), int(rng.integers(60, 110))))
        now += length + (float(rng.uniform(0.15, 0.6)) if rng.random() < 0.15 else 0.0)
    return notes


def _rubato(rng: np.random.Generator, seconds: float) -> tuple[Note, ...]:
    notes, now, beat = [], 0.0, float(rng.uniform(0.3, 0.7))
    while now < seconds - 0.2:
        length = beat * float(
            2 ** (0.5 * np.sin(0.9 * now) + 0.25 * rng.standard_normal()) * rng.choice((0.5, 1, 1, 2))
        )
        notes.append(_note(now, now + length, int(60 + rng.integers(-12, 12)), int(rng.integers(50, 110))))
        now += length
    return tuple(notes)


def _note(onset: float, offset: float, pitch: int, velocity: int) -> Note:
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=pitch, velocity=velocity)


def _mono(wave: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Samples:
    return wave.astype(np.float32)[:, np.newaxis]


def _mixed(made: Loop, seconds: float) -> Samples:
    mix: Samples = np.sum([rendered(part, seconds) for part in made.parts], axis=0)
    return mix


def rows(found: list[Measured]) -> Iterator[Row]:
    """The accuracies, with their targets."""
    for group, aim in (("loop", "≥ 0.95"), ("loop in silence", "–"), ("loop with a tail", "–"), ("song", "–")):
        of_group = [(tempo, estimate) for name, tempo, estimate in found if name == group]
        if not of_group:
            continue
        sure = [(tempo, estimate) for tempo, estimate in of_group if estimate.confidence >= CONFIDENT]
        exact = [_exact(tempo, estimate) for tempo, estimate in of_group]
        details = {
            "clips": float(len(of_group)),
            "within 1 %": statistics.mean(_near(tempo, estimate, (1.0,)) for tempo, estimate in of_group),
            "up to octaves": statistics.mean(_near(tempo, estimate, (0.5, 1.0, 2.0)) for tempo, estimate in of_group),
            "confident": len(sure) / len(of_group),
            "confident: exact": statistics.mean(_exact(tempo, estimate) for tempo, estimate in sure) if sure else 0.0,
            "confident: within 1 %": statistics.mean(_near(*pair, (1.0,)) for pair in sure) if sure else 0.0,
            "taken for bars": statistics.mean(estimate.method == "loop" for _, estimate in of_group),
        }
        yield Figure(f"{group}: exact to {EXACT_BPM} bpm", "of all", [statistics.mean(exact)], aim, details)
    nothing = [(name, estimate) for name, tempo, estimate in found if tempo == 0]
    if nothing:
        shares = {
            kind: statistics.mean(estimate.confidence < CONFIDENT for name, estimate in nothing if name == kind)
            for kind in dict.fromkeys(name for name, _ in nothing)
        }
        unsure = statistics.mean(estimate.confidence < CONFIDENT for _, estimate in nothing)
        yield Figure("without a tempo: unconfident", "of all", [unsure], "1", {"clips": float(len(nothing)), **shares})


def _exact(tempo_bpm: float, estimate: TempoEstimate) -> bool:
    return abs(estimate.bpm - tempo_bpm) <= EXACT_BPM


def _near(tempo_bpm: float, estimate: TempoEstimate, factors: tuple[float, ...]) -> bool:
    return any(abs(estimate.bpm * factor / tempo_bpm - 1) < 0.01 for factor in factors)


def speed() -> Figure:
    """Seconds for a minute of stereo at 44.1 kHz."""
    clip = np.tile(_mixed(loop(STYLES[0], "mix", 120.0, 4, 1), 8.0), (8, 1))[: 60 * RATE_HZ]
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        estimate_tempo(ArraySignal(clip, RATE_HZ), NullControl())
        taken.append(time.perf_counter() - began)
    return Figure("a minute of stereo", "s", taken, "≤ 0.5 s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="how many loops, and a fifth as many of the rest")
    parser.add_argument("--music", type=Path, help="a folder of recordings, whose estimates are printed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if (reason := missing()) is not None:
        print(reason, file=sys.stderr)
        return 1
    seeds = range(FIRST_SEED, FIRST_SEED + options.count)
    few = seeds[: max(1, options.count // 5)]
    with ProcessPoolExecutor(2) as pool:
        work = [
            *(partial(loops, seed) for seed in seeds),
            *(partial(songs, seed) for seed in seeds[: options.count // 2]),
        ]
        work += [partial(without_tempo, seed) for seed in few]
        found = [one for batch in pool.map(_run, work) for one in batch]
        with peer_folder() as peer:
            songs_found = [*pool.map(partial(song_found, peer=peer), range(2 * options.count))]
    show([*rows(found), *metres.rows(songs_found), speed()], as_json=options.json)
    for path in sorted(options.music.iterdir()) if options.music else ():
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
        print(path.name, estimate_tempo(ArraySignal(samples, rate), NullControl()), file=sys.stderr)
    return 0


def _run(work: Callable[[], list[Measured]]) -> list[Measured]:
    return work()


if __name__ == "__main__":
    sys.exit(main())
