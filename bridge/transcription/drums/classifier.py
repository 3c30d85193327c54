"""Which drums a stroke is made of, by a small network that hears each stroke twice: by itself, and beside the others.

The second hearing knows what the first made of the strokes before and after it, and of those that sound alike: a kit
sounds the same from stroke to stroke, and a hand goes on as it went.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import numpy as np

from bridge.dsp.arrays import Doubles, Floats, Indices
from bridge.transcription.drums.band_spectrogram import BANDS
from bridge.transcription.drums.features import ATTACK

#: What each output tells: whether a kick, a snare, a tom, any hat, an open hat, a crash, a ride is struck.
OUTPUTS = ("kick", "snare", "tom", "hat", "open hat", "crash", "ride")
WEIGHTS = "drums.npz"
NETS, LAYERS = ("alone", "among_others"), 3
#: So many strokes before and after are looked at.
NEIGHBOURS = 4
#: Strokes are compared by their sound from the attack on, in so many slots, and with so many others at most.
COMPARED_SLOTS, EXEMPLARS = 4, 512
#: Mean squared distance, in deviations, at which two strokes are alike by 1/e.
ALIKE = 0.15
#: Chances are told as logarithms of odds, over this, and never surer than that.
ODDS_SCALE, LEAST_CHANCE = 4.0, 0.001
#: Odds where there is no neighbour, on that scale.
NOBODY = -1.7
BLOCK_STROKES = 2048

Layers: TypeAlias = tuple[tuple[Floats, Floats], ...]


@dataclass(frozen=True)
class DrumClassifier:
    """The trained network: layers of (inputs, outputs) weights and (outputs,) offsets; what its inputs usually are."""

    mean: Floats
    deviation: Floats
    alone: Layers
    among_others: Layers

    @classmethod
    def load(cls) -> DrumClassifier:
        """The one that comes with the program."""
        with files("bridge.transcription.drums").joinpath(WEIGHTS).open("rb") as file:
            arrays = {name: array.astype(np.float32) for name, array in np.load(file).items()}
        alone, among = (
            tuple((arrays[f"{net}_{n}_weights"], arrays[f"{net}_{n}_offsets"]) for n in range(LAYERS)) for net in NETS
        )
        return cls(arrays["mean"], arrays["deviation"], alone, among)

    def chances(self, heard: Floats) -> Doubles:
        """How likely each of `OUTPUTS` is in each stroke: (strokes, outputs), 0–1.

        Args:
            heard: the surroundings of each: (strokes, inputs).
        """
        usual = ((heard - self.mean) / self.deviation).astype(np.float32)
        beside = context_features(usual, self.first(usual))
        chances = np.zeros((len(usual), len(OUTPUTS)))
        for rows in _blocks(len(usual)):
            chances[rows] = _through(np.hstack((usual[rows], beside[rows])), self.among_others)
        return chances

    def first(self, usual: Floats) -> Doubles:
        """What the first hearing makes of inputs of mean 0 and deviation 1: (strokes, outputs), 0–1."""
        return np.concatenate([_through(usual[rows], self.alone) for rows in _blocks(len(usual))])


def context_features(usual: Floats, chances: Doubles) -> Doubles:
    """What is known of each stroke from the first hearing of all: (strokes, inputs)."""
    count = len(chances)
    odds = np.log(np.clip(chances, LEAST_CHANCE, 1 - LEAST_CHANCE))
    odds = (odds - np.log(np.clip(1 - chances, LEAST_CHANCE, 1 - LEAST_CHANCE))) / ODDS_SCALE
    padded = np.pad(odds, ((NEIGHBOURS, NEIGHBOURS), (0, 0)), constant_values=NOBODY)
    steps = [step for step in range(2 * NEIGHBOURS + 1) if step != NEIGHBOURS]
    near = [padded[step : step + count] for step in steps]
    alike, weight = _alike(usual, odds)
    shares = np.tile(chances.mean(axis=0), (count, 1))
    return np.hstack((odds, *near, alike, np.log(weight + 0.01) / 3, shares))


def _alike(usual: Floats, odds: Doubles) -> tuple[Doubles, Doubles]:
    """The mean odds of the strokes that sound like each, and how many do: (strokes, outputs) and (strokes, 1)."""
    sound = usual[:, ATTACK * BANDS : (ATTACK + COMPARED_SLOTS) * BANDS]
    count = len(sound)
    some: Indices = np.unique(np.linspace(0, count - 1, min(count, EXEMPLARS)).astype(np.intp))
    others = sound[some]
    power = np.square(others).sum(axis=1)
    alike, weight = np.zeros_like(odds), np.zeros((count, 1))
    for rows in _blocks(count):
        block = sound[rows]
        distance = np.square(block).sum(axis=1, keepdims=True) + power - 2 * block @ others.T
        close = np.exp(-np.maximum(distance, 0.0) / (ALIKE * sound.shape[1]))
        close[np.arange(rows.start, rows.stop)[:, np.newaxis] == some] = 0.0
        weight[rows] = close.sum(axis=1, keepdims=True)
        alike[rows] = close @ odds[some] / np.maximum(weight[rows], 1e-6)
    return alike, weight


def _blocks(count: int) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK_STROKES, count)) for first in range(0, count, BLOCK_STROKES))


def _through(values: Floats, layers: Layers) -> Doubles:
    for index, (weights, offsets) in enumerate(layers):
        values = values @ weights + offsets
        if index < len(layers) - 1:
            values = np.maximum(values, 0.0)
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -40, 40))))
