"""Which drums sound in each hit: a small network in two passes.

The first pass classifies each hit by itself. The second pass also gets context: the first pass's results for the hits
before and after, and for hits that sound similar, because a kit sounds the same from hit to hit and patterns repeat.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Doubles, Floats, Indices
from bridge.transcription.drums.band_spectrogram import BANDS
from bridge.transcription.drums.layout import ATTACK_SLOT, CONTEXT, HIT, NEIGHBOURS, OUTPUTS

WEIGHTS = "drums.npz"
#: Prefixes of the arrays in `WEIGHTS`: the first pass, then the second.
NETS, LAYERS = ("alone", "among_others"), 3
#: Similarity compares this many slots from the attack on, with at most this many other hits.
COMPARED_SLOTS, MAX_EXEMPLARS = 4, 512
#: The columns of `HIT["levels"]` that are compared.
COMPARED_LEVELS = slice(ATTACK_SLOT * BANDS, (ATTACK_SLOT + COMPARED_SLOTS) * BANDS)
#: Mean squared distance, in standard deviations, at which similarity falls to 1/e.
SIMILARITY_WIDTH = 0.15
#: The context holds probabilities as log odds divided by this scale; probabilities are clipped this far from 0 and 1.
ODDS_SCALE, MIN_PROBABILITY = 4.0, 0.001
#: Scaled log odds where there is no neighbour.
NO_NEIGHBOUR = -1.7
BLOCK_HITS = 2048

Layers: TypeAlias = tuple[tuple[Floats, Floats], ...]


@dataclass(frozen=True)
class DrumClassifier:
    """The trained network: layers of (inputs, outputs) weights and (outputs,) biases, and its inputs' statistics."""

    mean: Floats
    deviation: Floats
    first_net: Layers
    context_net: Layers

    @classmethod
    def load(cls) -> DrumClassifier:
        """The network that ships with the program."""
        with files("bridge.transcription.drums").joinpath(WEIGHTS).open("rb") as file:
            arrays = {name: array.astype(np.float32) for name, array in np.load(file).items()}
        first, context = (
            tuple((arrays[f"{net}_{n}_weights"], arrays[f"{net}_{n}_offsets"]) for n in range(LAYERS)) for net in NETS
        )
        return cls(arrays["mean"], arrays["deviation"], first, context)

    def probabilities(self, features: Floats) -> Doubles:
        """The probability of each of `OUTPUTS` in each hit: (hits, outputs), 0–1.

        Args:
            features: from `features.hit_features`: (hits, `HIT.width`).
        """
        normalised = ((features - self.mean) / self.deviation).astype(np.float32)
        inputs = inputs_in_context(normalised, self.first_pass(normalised))
        probabilities = np.zeros((len(inputs), len(OUTPUTS)))
        for rows in _blocks(len(inputs)):
            probabilities[rows] = _forward(inputs[rows], self.context_net)
        return probabilities

    def first_pass(self, normalised: Floats) -> Doubles:
        """The first pass's probabilities for inputs of mean 0 and deviation 1: (hits, outputs), 0–1."""
        return np.concatenate([_forward(normalised[rows], self.first_net) for rows in _blocks(len(normalised))])


def inputs_in_context(normalised: Floats, probabilities: Doubles) -> Doubles:
    """The second pass's inputs, from the first pass's inputs and probabilities of all hits.

    The columns of `HIT`, then those of `CONTEXT`: (hits, `HIT.width` + `CONTEXT.width`).
    """
    count = len(probabilities)
    odds = np.log(np.clip(probabilities, MIN_PROBABILITY, 1 - MIN_PROBABILITY))
    odds = (odds - np.log(np.clip(1 - probabilities, MIN_PROBABILITY, 1 - MIN_PROBABILITY))) / ODDS_SCALE
    padded = np.pad(odds, ((NEIGHBOURS, NEIGHBOURS), (0, 0)), constant_values=NO_NEIGHBOUR)
    shifts = [shift for shift in range(2 * NEIGHBOURS + 1) if shift != NEIGHBOURS]
    neighbours = [padded[shift : shift + count] for shift in shifts]
    similar_odds, weight = _similar_odds(normalised, odds)
    inputs = np.empty((count, HIT.width + CONTEXT.width))
    inputs[:, : HIT.width] = normalised
    context = inputs[:, HIT.width :]
    context[:, CONTEXT["odds"]] = odds
    context[:, CONTEXT["neighbours"]] = np.hstack(neighbours)
    context[:, CONTEXT["similar"]] = similar_odds
    context[:, CONTEXT["similar_weight"]] = np.log(weight + 0.01) / 3
    context[:, CONTEXT["clip"]] = probabilities.mean(axis=0)
    return inputs


def _similar_odds(normalised: Floats, odds: Doubles) -> tuple[Doubles, Doubles]:
    """The mean odds of the hits that sound similar to each, and their total weight: (hits, outputs) and (hits, 1)."""
    sound = normalised[:, HIT["levels"]][:, COMPARED_LEVELS]
    count = len(sound)
    exemplars: Indices = np.unique(np.linspace(0, count - 1, min(count, MAX_EXEMPLARS)).astype(np.intp))
    others = sound[exemplars]
    power = np.square(others).sum(axis=1)
    similar, weight = np.zeros_like(odds), np.zeros((count, 1))
    for rows in _blocks(count):
        block = sound[rows]
        distance = np.square(block).sum(axis=1, keepdims=True) + power - 2 * block @ others.T
        similarity = np.exp(-np.maximum(distance, 0.0) / (SIMILARITY_WIDTH * sound.shape[1]))
        similarity[np.arange(rows.start, rows.stop)[:, np.newaxis] == exemplars] = 0.0
        weight[rows] = similarity.sum(axis=1, keepdims=True)
        similar[rows] = similarity @ odds[exemplars] / np.maximum(weight[rows], 1e-6)
    return similar, weight


def _blocks(count: int) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK_HITS, count)) for first in range(0, count, BLOCK_HITS))


def _forward(values: npt.NDArray[np.floating], layers: Layers) -> Doubles:
    for index, (weights, biases) in enumerate(layers):
        values = values @ weights + biases
        if index < len(layers) - 1:
            values = np.maximum(values, 0.0)
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -40, 40))))
