"""One window's speed as a share of the machine's matrix-product speed."""

from __future__ import annotations

import ctypes
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.report import Figure, Row
from bridge.control import NullControl
from bridge.separation.backends import Backends
from bridge.separation.families.table import EngineFamilies
from bridge.separation.models.loading import load_bag
from bridge.separation.models.weights import LoadedModel
from bridge.separation.openvino.cache import OpenVinoCache
from bridge.system.clock import SystemClock
from bridge.worker.allocator import environment, glibc_version

if TYPE_CHECKING:
    from bridge.separation.networks.base import Network, Planes

SIZE = 4096
#: mallopt's numbers, of malloc.h, for the variables that glibc reads.
_MALLOC = {-1: "MALLOC_TRIM_THRESHOLD_", -3: "MALLOC_MMAP_THRESHOLD_"}


def shares(models: Path, times: int) -> list[Row]:
    """One row per back-end. Each window runs between two matrix products, which measure the limit at that time."""
    weights = EngineFamilies.of(models).find("htdemucs")
    assert weights is not None
    _keep_memory()
    with tempfile.TemporaryDirectory() as folder:
        backends = Backends(OpenVinoCache(Path(folder), clock=SystemClock()))
        loaded = [backends.load(weights, "cpu", NullControl())]
        if backends.convert(loaded[0], NullControl()):
            loaded.append(backends.load(weights, "cpu", NullControl()))
        frames = loaded[0].networks[0].window_frames
        operations = window_operations(load_bag(weights, NullControl()).models[0], frames)
        audio = np.random.default_rng(0).standard_normal((2, frames)).astype(np.float32)
        for model in loaded:
            model.networks[0].estimate(audio)
        runs = [[measure(model.networks[0], audio, operations) for model in loaded] for _ in range(times)]
    return [_row(model, [run[index] for run in runs]) for index, model in enumerate(loaded)]


def measure(network: Network, audio: Planes, operations: float) -> tuple[float, float, float]:
    """Share of the limit, seconds for the window, and the limit in operations per second."""
    before = limit()
    began = time.perf_counter()
    network.estimate(audio)
    seconds = time.perf_counter() - began
    mean_limit = (before + limit()) / 2
    return operations / seconds / mean_limit, seconds, mean_limit


def limit() -> float:
    """Operations per second in one large float32 matrix product."""
    left, right = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
    began = time.perf_counter()
    torch.mm(left, right)
    return float(2 * SIZE**3 / (time.perf_counter() - began))


def _keep_memory() -> None:
    """Sets malloc's thresholds like the worker's environment variables."""
    variables = environment(glibc_version())
    for parameter, name in _MALLOC.items():
        if name in variables:
            assert ctypes.CDLL(None).mallopt(parameter, int(variables[name])), f"{name} is refused"


def window_operations(model: torch.nn.Module, frames: int) -> float:
    """Operations in the matrix products and convolutions of one window."""
    from torch.utils.flop_counter import FlopCounterMode

    torch.backends.mha.set_fastpath_enabled(False)  # the counter does not see the fused kernel
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 2, frames))
    return float(counter.get_total_flops())


def _row(model: LoadedModel, runs: list[tuple[float, float, float]]) -> Figure:
    fractions, seconds, limits = zip(*runs, strict=True)
    details = {"seconds for a window": median(seconds), "limit in GFLOP/s": median(limits) / 1e9}
    return Figure(f"matrix-product share of a window, {model.backend}", "", list(fractions), "≥ 0.5", details)
