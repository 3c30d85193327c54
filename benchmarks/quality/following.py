"""How well beats are followed: `python -m benchmarks.quality.following [--count N] [--json]`.

Songs of `benchmarks.corpora.metres` at a steady tempo, drifting by 8 %, slowing down at their end, growing faster, and
wandering as people do; rendered by `quick_synthesis`, cut anywhere. Beside the followed beats: those of one tempo.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from benchmarks.corpora.metres import song
from benchmarks.corpora.quick_synthesis import RATE_HZ, quickly_rendered
from benchmarks.corpora.synthesis import Part
from benchmarks.report import Figure, show
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.dsp.arrays import Doubles
from bridge.music.metre import Metre
from bridge.music.tempo.estimate import estimate_tempo
from bridge.music.tempo.following import follow_tempo
from bridge.music.tempo_map import TempoMap

FIRST_SEED, SECONDS = 200_000, 30.0
KINDS = ("steady", "drift", "slower", "faster", "wander")
#: A beat is found if one is this near; a tempo is right if its mean is this near, since it changes.
NEAR_SECONDS, NEAR = 0.05, 0.1


@dataclass(frozen=True)
class Followed:
    """One song: how well one tempo explains its beats, and the followed ones."""

    fixed: float
    followed: float
    """F-measure of the beats."""
    bars: float
    """Share of the bars whose start is the start of a bar of the map."""
    is_octave_right: bool


def played(kind: str, seconds: float, rng: random.Random) -> tuple[Doubles, Doubles]:
    """Moments of a steady performance, and when they are played."""
    even = np.arange(0, seconds + 2, 0.01)
    if kind == "drift":
        rate = 1 + 0.08 * np.sin(2 * np.pi * (even / rng.uniform(20, 40) + rng.random()))
    elif kind == "slower":
        rate = np.clip(1.6 - even / seconds, 0.6, 1.0)
    elif kind == "faster":
        rate = 1 + 0.15 * even / seconds
    elif kind == "wander":
        steps = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(len(even))
        rate = np.exp(np.clip(np.cumsum(0.0016 * steps), -0.12, 0.12))
    else:
        rate = np.ones(len(even))
    return even, np.concatenate(([0.0], np.cumsum(0.01 / rate)[:-1]))


def followed(kind: str, seed: int) -> Followed:
    groove, piece = song(seed)
    rng = random.Random(seed)
    even, when = played(kind, piece.seconds, rng)
    start = rng.uniform(0, 4)

    def at(seconds: float) -> float:
        return float(np.interp(seconds, even, when))

    parts = [
        Part(
            part.stem,
            tuple(
                msgspec.structs.replace(
                    one, onset_seconds=at(one.onset_seconds), offset_seconds=at(one.offset_seconds)
                )
                for one in part.notes
            ),
            part.program,
            part.gain_db,
        )
        for part in piece.parts
    ]  # fmt: skip
    mixed = np.sum([quickly_rendered(part, at(piece.seconds) + 1, rng) for part in parts], axis=0)[:, np.newaxis]
    samples = mixed[round(start * RATE_HZ) : round((start + SECONDS) * RATE_HZ)]
    audio = ArraySignal(samples, RATE_HZ)
    metre = Metre.of(groove.metre)
    beat, bar = metre.tapped_quarters * 60 / piece.tempo_bpm, metre.bar_seconds(piece.tempo_bpm)
    end = len(samples) / RATE_HZ
    beats, bars = (
        np.array([one for one in (at(place * step) - start for place in range(round(piece.seconds / step)))
                  if 0.3 < one < end - 0.3])
        for step in (beat, bar)
    )  # fmt: skip
    one_tempo = estimate_tempo(audio, NullControl())
    step = Metre.of(one_tempo.time_signature).tapped_quarters * 60 / one_tempo.bpm
    fixed = np.arange(one_tempo.first_beat_seconds % step, end, step)
    found = follow_tempo(audio, None, NullControl())
    if not found.points:
        return Followed(_f_measure(beats, fixed), 0.0, 0.0, is_octave_right=False)
    its_metre, tempo_map = Metre.of(found.estimate.time_signature), TempoMap(found.points)
    first, last = tempo_map.quarters(found.estimate.first_beat_seconds), tempo_map.quarters(end)
    of_map, bars_of_map = (
        np.array([tempo_map.seconds(quarters) for quarters in np.arange(first % length, last, length)])
        for length in (its_metre.tapped_quarters, its_metre.bar_quarters)
    )
    bpm = 60 * metre.tapped_quarters / float(np.diff(beats).mean())
    return Followed(
        _f_measure(beats, fixed),
        _f_measure(beats, of_map),
        float(_are_near(bars, bars_of_map).mean()),
        is_octave_right=abs(found.estimate.bpm / bpm - 1) < NEAR,
    )


def _are_near(moments: Doubles, others: Doubles) -> Doubles:
    """1 for each moment that another is near, else 0."""
    return np.asarray(np.abs(np.subtract.outer(moments, others)).min(axis=1) < NEAR_SECONDS, np.float64)


def _f_measure(true: Doubles, found: Doubles) -> float:
    recall, precision = float(_are_near(true, found).mean()), float(_are_near(found, true).mean())
    return 2 * recall * precision / max(recall + precision, 1e-9)


def rows(count: int) -> Iterator[Figure]:
    for kind in KINDS:
        found = [followed(kind, FIRST_SEED + seed) for seed in range(count)]
        details = {
            "one tempo": statistics.mean(one.fixed for one in found),
            "octave right": statistics.mean(one.is_octave_right for one in found),
            "where it is, followed": statistics.mean(one.followed for one in found if one.is_octave_right),
            "where it is, bars": statistics.mean(one.bars for one in found if one.is_octave_right),
        }
        yield Figure(f"{kind}: beats", "F", [statistics.mean(one.followed for one in found)], "–", details)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=54, help="how many songs, in turn of each groove")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    show([*rows(options.count)], as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
