"""Fits the weights of the tempo estimate: `python -m benchmarks.training.tempo_fit [--count N]`; minutes to an hour.

Loops of the benchmark's styles, from other seeds than the benchmark's, and four times as many varied ones of fifty
styles (`benchmarks.corpora.more_loops`) are used whole, padded with silence, and cut anywhere. For each, `bridge.music`
gives the evidence for every possible tempo; a conditional logistic regression (McFadden, 1974) finds the weights that
make the true tempo most likely. Also prints how many tempi are right in styles that were left out of the fit.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.corpora.loops import STYLES, loop
from benchmarks.corpora.more_loops import KINDS, MORE_STYLES, varied
from benchmarks.corpora.synthesis import RATE_HZ, missing, rendered
from benchmarks.quality.tempo import FIRST_SEED
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.dsp.arrays import Doubles
from bridge.music.tempo.bars import bars_evidence, possible_bars
from bridge.music.tempo.harmony import pitch_autocorrelation
from bridge.music.tempo.onsets import onset_features
from bridge.music.tempo.pulse import FASTEST_BPM, SLOWEST_BPM, circular_pulse, linear_pulse, periods
from bridge.music.tempo.tempo_in_four import beats_evidence

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: First seed of the varied loops.
VARIED_SEED = 1_000_000
#: Usual lengths of loops, and the benchmark's, which include more unusual ones.
USUAL_BARS, ANY_BARS = (1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 3, 6), (1, 2, 2, 4, 4, 8, 3, 5, 6, 7)
#: The penalty on squared weights, each in units of its evidence's standard deviation.
RIDGE = 5.0
#: A candidate period is the true one if its relative error is below this.
NEAR = 0.012
#: Thresholds on an estimate's probability for which the report gives accuracies.
SURE = (0.5, 0.7, 0.84)


@dataclass(frozen=True)
class Choice:
    """One clip: the evidence for each candidate tempo, and the index of the true one."""

    model: str
    style: str
    evidence: Doubles
    """(tempi, kinds of evidence)."""
    truth: int


def choices(seed: int) -> list[Choice]:
    """The training examples of one loop: for bars (also padded with silence, for some whole tempi) and for beats."""
    rng = random.Random(seed)
    plain = seed < FIRST_SEED
    styles = STYLES if plain else (*STYLES, *MORE_STYLES)
    style = styles[seed % len(styles)]
    slowest, fastest = style.tempi
    if not plain and rng.random() < 0.3:
        slowest, fastest = max(round(SLOWEST_BPM), round(0.8 * slowest)), min(round(FASTEST_BPM), round(1.25 * fastest))
    drawn = rng.uniform(slowest, fastest)
    tempo = float(round(drawn)) if rng.random() < 0.55 else round(drawn, 1)
    bars = rng.choice(ANY_BARS if plain else USUAL_BARS)
    kind = rng.choice(("drums", "drums", "bass", "chords", "melody", "mix", "mix") if plain else KINDS)
    made = (loop if plain else varied)(style, kind, tempo, bars, seed)
    parts = made.repeated(2).parts
    gains = [1.0 if plain else 10 ** (rng.uniform(-6, 3) / 20) for _ in parts]
    played = [gain * rendered(part, 2 * made.seconds + 0.5) for gain, part in zip(gains, parts, strict=True)]
    frames = round(made.seconds * RATE_HZ)
    begin = rng.choice((0, frames))
    once: Samples = np.sum(played, axis=0)[begin : begin + frames].astype(np.float32)
    silence = np.zeros((rng.randrange(100, 1300), 2), np.float32)
    padded = [silence, once] if rng.random() < 0.5 else [once, silence]
    found = [*_of_bars(once, bars, style.name)]
    if tempo == round(tempo) and rng.random() < 0.5:
        found += _of_bars(np.concatenate(padded), bars, style.name)
    return [*found, *_of_beats(_cut(once, rng), tempo, style.name)]


def _of_bars(samples: Samples, bars: int, style: str) -> Iterator[Choice]:
    features = onset_features(ArraySignal(samples, RATE_HZ), NullControl())
    pulse, counts = circular_pulse(features), possible_bars(len(samples), RATE_HZ)
    truth = [place for place, count in enumerate(counts) if count.bars == bars]
    if truth:
        yield Choice("bars", style, np.array([bars_evidence(features, pulse, count) for count in counts]), truth[0])


def _of_beats(samples: Samples, tempo_bpm: float, style: str) -> Iterator[Choice]:
    features = onset_features(ArraySignal(samples, RATE_HZ), NullControl())
    pulse, pitches = linear_pulse(features), pitch_autocorrelation(features)
    found = periods(pulse)
    missed = [abs(60 / period / tempo_bpm - 1) for period in found]
    if found and min(missed) < NEAR:
        evidence = np.array([beats_evidence(pulse, pitches, period) for period in found])
        yield Choice("beats", style, evidence, int(np.argmin(missed)))


def _cut(once: Samples, rng: random.Random) -> Samples:
    """The loop with part of its repetition, or an arbitrary section of its repetitions."""
    if rng.random() < 0.4:
        return np.concatenate((once, once))[: len(once) + round(rng.uniform(0.3, 1.5) * RATE_HZ)]
    length, start = round(rng.uniform(10, 40) * RATE_HZ), rng.randrange(len(once))
    return np.tile(once, (length // len(once) + 2, 1))[start : start + length]


def fitted(clips: Sequence[Choice]) -> Doubles:
    """The weight of each kind of evidence, by Newton's method on the penalised likelihood."""
    spread = np.concatenate([clip.evidence - clip.evidence.mean(axis=0) for clip in clips]).std(axis=0) + 1e-6
    scaled = [(clip.evidence / spread, clip.truth) for clip in clips]
    weights = np.zeros(len(spread))
    for _ in range(25):
        gradient, hessian = -RIDGE * weights, RIDGE * np.eye(len(weights))
        for evidence, truth in scaled:
            probabilities = shares(evidence, weights)
            mean = probabilities @ evidence
            apart = evidence - mean
            gradient += evidence[truth] - mean
            hessian += (apart * probabilities[:, np.newaxis]).T @ apart
        step = np.linalg.solve(hessian, gradient)
        weights += step * min(1.0, 3 / float(np.abs(step).max()))
        if np.abs(step).max() < 1e-3:
            break
    return np.asarray(weights / spread)


def shares(evidence: Doubles, weights: Doubles) -> Doubles:
    """Each tempo's probability: (tempi,)."""
    odds = evidence @ weights
    probabilities = np.exp(odds - odds.max())
    return np.asarray(probabilities / probabilities.sum())


def left_out(clips: Sequence[Choice]) -> list[tuple[bool, float]]:
    """Cross-validation by style: for every clip, whether the estimate is right, and its probability."""
    found = []
    for style in sorted({clip.style for clip in clips}):
        weights = fitted([clip for clip in clips if clip.style != style])
        for clip in clips:
            if clip.style == style:
                probabilities = shares(clip.evidence, weights)
                found.append((int(probabilities.argmax()) == clip.truth, float(probabilities.max())))
    return found


def report(model: str, clips: Sequence[Choice]) -> Iterator[str]:
    """The weights, and the accuracy over all clips and over the confident ones."""
    found = left_out(clips)
    right = np.array([one for one, _ in found])
    share = np.array([one for _, one in found])
    yield f"{model}: {len(clips)} clips; {right.mean():.3f} right in styles left out"
    yield from (
        f"  of the {(share >= least).mean():.2f} with a share of {least} or more {right[share >= least].mean():.3f}"
        for least in SURE
    )
    yield "  " + ", ".join(f"{weight:.2g}" for weight in fitted(clips))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--count", type=int, default=300, help="loops of the benchmark's styles; four times as many varied"
    )
    options = parser.parse_args()
    if (reason := missing()) is not None:
        print(reason, file=sys.stderr)
        return 1
    plain = min(options.count, FIRST_SEED)
    seeds = [*range(plain), *range(VARIED_SEED, VARIED_SEED + 4 * options.count)]
    with ProcessPoolExecutor(2) as pool:
        clips = [clip for found in pool.map(choices, seeds, chunksize=4) for clip in found]
    for model in ("bars", "beats"):
        print("\n".join(report(model, [clip for clip in clips if clip.model == model])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
