"""Which drums sound in each hit: a small network with attention among the hits of a clip.

Each hit is embedded by itself. Then every hit is compared with all hits of its clip, by what the network has learnt to
compare, and takes over what they are: a kit sounds the same from hit to hit, so its own hits are the best examples of
its kick, snare and hat. Last it sees the hits just before and after, because patterns repeat. Both happen twice.

Attention as in Vaswani et al., "Attention Is All You Need" (2017), without positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import numpy as np

from bridge.dsp.arrays import Doubles, Floats, Indices
from bridge.transcription.drums.layout import OUTPUTS

WEIGHTS = "drums.npz"
#: Sizes of the network: hidden units and values of a hit, heads of the attention, hits before and after, rounds.
HIDDEN, VALUES, HEADS, NEIGHBOURS, ROUNDS = 96, 48, 4, 2, 2
#: At most this many hits of a clip are compared with; they lie evenly in it.
MAX_EXEMPLARS = 512
#: Added to variances before their root.
EPSILON = 1e-5
BLOCK_HITS = 2048

Layer: TypeAlias = tuple[Floats, Floats]
"""(inputs, outputs) weights and (outputs,) biases."""


@dataclass(frozen=True)
class Round:
    """The layers of one round."""

    compared: Layer
    """Queries, keys and values, one after the other."""
    attended: Layer
    around: Layer
    """From the hit and `NEIGHBOURS` before and after."""
    taken: Layer


@dataclass(frozen=True)
class DrumClassifier:
    """The trained network, and its inputs' statistics."""

    mean: Floats
    deviation: Floats
    seen: Layer
    embedded: Layer
    rounds: tuple[Round, ...]
    named: Layer

    @classmethod
    def load(cls) -> DrumClassifier:
        """The network that ships with the program."""
        with files("bridge.transcription.drums").joinpath(WEIGHTS).open("rb") as file:
            arrays = {name: array.astype(np.float32) for name, array in np.load(file).items()}

        def layer(name: str) -> Layer:
            return arrays[f"{name}_weights"], arrays[f"{name}_biases"]

        rounds = tuple(
            Round(*(layer(f"{name}_{number}") for name in ("compared", "attended", "around", "taken")))
            for number in range(ROUNDS)
        )
        return cls(arrays["mean"], arrays["deviation"], layer("seen"), layer("embedded"), rounds, layer("named"))

    def probabilities(self, features: Floats) -> Doubles:
        """The probability of each of `OUTPUTS` in each hit: (hits, outputs), 0–1.

        Args:
            features: from `features.hit_features`: (hits, `HIT.width`).
        """
        if not len(features):
            return np.zeros((0, len(OUTPUTS)))
        values = np.concatenate([self._embedded(features[rows]) for rows in _blocks(len(features))])
        for layers in self.rounds:
            values = values + _attended(values, layers)
            values = values + _neighboured(values, layers)
        odds = _through(_levelled(values), self.named).astype(np.float64)
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -40, 40))))

    def _embedded(self, features: Floats) -> Floats:
        normalised = ((features - self.mean) / self.deviation).astype(np.float32)
        return _through(np.maximum(_through(normalised, self.seen), 0.0), self.embedded)


def _attended(values: Floats, layers: Round) -> Floats:
    """What each hit learns from the hits of its clip: (hits, `VALUES`)."""
    count, width = len(values), VALUES // HEADS
    levelled = _levelled(values)
    queries, keys, contents = np.split(_through(levelled, layers.compared), 3, axis=1)
    exemplars: Indices = np.unique(np.linspace(0, count - 1, min(count, MAX_EXEMPLARS)).astype(np.intp))
    learnt = np.empty_like(values)
    for head in range(HEADS):
        own = slice(head * width, (head + 1) * width)
        for rows in _blocks(count):
            likeness = queries[rows, own] @ keys[exemplars, own].T / np.float32(np.sqrt(width))
            likeness = np.exp(likeness - likeness.max(axis=1, keepdims=True))
            learnt[rows, own] = likeness @ contents[exemplars, own] / likeness.sum(axis=1, keepdims=True)
    return _through(learnt, layers.attended)


def _neighboured(values: Floats, layers: Round) -> Floats:
    """What each hit learns from those just before and after: (hits, `VALUES`)."""
    count = len(values)
    padded = np.pad(_levelled(values), ((NEIGHBOURS, NEIGHBOURS), (0, 0)))
    around = np.hstack([padded[shift : shift + count] for shift in range(2 * NEIGHBOURS + 1)])
    return _through(np.maximum(_through(around, layers.around), 0.0), layers.taken)


def _levelled(values: Floats) -> Floats:
    """Each hit's values with mean 0 and variance 1."""
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + EPSILON), np.float32)


def _through(values: Floats, layer: Layer) -> Floats:
    weights, biases = layer
    return np.asarray(values @ weights + biases, np.float32)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK_HITS, count)) for first in range(0, count, BLOCK_HITS))
