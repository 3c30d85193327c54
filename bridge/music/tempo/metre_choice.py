"""Chooses tempo and metre: a small network weighs the evidence for every hypothesis.

numpy alone; weights in `tempo.npz`, fitted by `benchmarks.training.metre_fit` (docs/methods/tempo.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Doubles

#: Beside this module.
NETWORK_FILE = "tempo.npz"


def shares(evidence: Doubles, weights: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None) -> Doubles:
    """The probability of each hypothesis among all: (hypotheses,), from (hypotheses, kinds of evidence).

    Args:
        weights: the network's arrays; None: those of `NETWORK_FILE`.
    """
    weights = weights or _weights()
    layer = np.clip((evidence - weights["mean"]) / weights["spread"], -6, 6)
    for number in range(sum(name.startswith("weight") for name in weights)):
        layer = (np.maximum(layer, 0.0) if number else layer) @ weights[f"weight{number}"] + weights[f"bias{number}"]
    odds = layer[:, 0] - layer[:, 0].max()
    chances = np.exp(odds)
    return np.asarray(chances / chances.sum())


@cache
def _weights() -> dict[str, Doubles]:
    with files(__package__).joinpath(NETWORK_FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float64) for name in arrays.files}
