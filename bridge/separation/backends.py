"""Chooses the back-end of a model: OpenVINO if a converted model exists, otherwise torch; converts models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.model import Warning
from bridge.separation.models.demucs_bags import Bag
from bridge.separation.models.weights import LoadedModel, Weights
from bridge.separation.networks.fallback import FallbackNetwork
from bridge.separation.openvino.artifact import GRAPH, OpenVinoModel
from bridge.separation.openvino.cache import OpenVinoCache

if TYPE_CHECKING:
    from bridge.protocols import Control
    from bridge.separation.networks.base import Network

#: The largest accepted difference from torch, for a mix with standard deviation 1. Beyond it a back-end is not used.
MAX_DIFFERENCE = 1e-3
#: How often a running conversion checks for cancellation.
POLL_SECONDS = 0.05


class Backends:
    """Loads models on the fastest available back-end whose output agrees with torch's."""

    def __init__(self, cache: OpenVinoCache | None = None) -> None:
        """Without `cache`, torch computes everything."""
        self._cache = cache
        self._inconvertible: set[Path] = set()

    def load(self, weights: Weights, device: str, control: Control) -> LoadedModel:
        """Loads every network of `weights`; warns `control` if they do not fit on `device`.

        Raises:
            WeightsUnavailable, OutOfMemory, EngineFailed, Cancelled: as `Weights.loader`.
        """
        found = self._find_converted(weights, device)
        return (
            self._load_converted(weights, found, control) if _agree(found) else weights.loader(weights, device, control)
        )

    def deviation_warning(self, weights: Weights, device: str) -> Warning | None:
        """The warning that OpenVINO's output differs too much from torch's; None if there is no such problem."""
        found = self._find_converted(weights, device)
        if not found or _agree(found):
            return None
        largest = max(converted.difference for _, converted in found)
        return Warning(
            code="backend_differs",
            message=f"On this machine, OpenVINO's output for the model {weights.name} differs from torch's by "
            f"{largest:.1g}. The bridge uses torch instead, which is slower.",
        )

    def is_current(self, loaded: LoadedModel, weights: Weights, device: str) -> bool:
        """True if loading `weights` on `device` again would give the same model and back-end."""
        if loaded.weights != weights or loaded.device != device or loaded.is_displaced:
            return False
        return loaded.backend == "openvino" or not _agree(self._find_converted(weights, device))

    def can_convert(self, device: str) -> bool:
        """True if models on `device` can be converted for a faster back-end."""
        return self._cache is not None and self._cache.is_possible and device == "cpu"

    def convert(self, loaded: LoadedModel, control: Control) -> bool:
        """Converts a model that torch computes on the CPU; True if it should now be reloaded.

        Raises:
            Cancelled: by `control`; the conversion is stopped immediately.
            OSError: the cache cannot be written.
        """
        cache = self._cache
        if cache is None or not self.can_convert(loaded.device) or not _is_convertible(loaded):
            return False
        segment = loaded.weights.bag.segment_seconds
        for checkpoint, network in zip(loaded.weights.files, loaded.networks, strict=True):
            control.checkpoint(0.0)
            if checkpoint in self._inconvertible:
                return False
            if cache.find(checkpoint, segment) is None:
                conversion = cache.start_conversion(checkpoint, segment, getattr(network, "first_window", None))
                try:
                    while (status := conversion.wait(POLL_SECONDS)) is None:
                        control.checkpoint(0.0)
                finally:
                    conversion.stop()
                if status != 0:
                    self._inconvertible.add(checkpoint)
        return _agree(self._find_converted(loaded.weights, loaded.device))

    def _find_converted(self, weights: Weights, device: str) -> list[tuple[Path, OpenVinoModel]]:
        """The folder and description of each checkpoint's conversion; empty if any is missing."""
        if self._cache is None or device != "cpu" or not weights.is_convertible:
            return []
        found = []
        for checkpoint in weights.files:
            entry = self._cache.find(checkpoint, weights.bag.segment_seconds)
            if entry is None or checkpoint in self._inconvertible:
                return []
            found.append(entry)
        return found

    def _load_converted(
        self, weights: Weights, found: list[tuple[Path, OpenVinoModel]], control: Control
    ) -> LoadedModel:
        from bridge.separation.openvino.network import OpenVinoNetwork
        from bridge.separation.windowed.engine import WindowedSeparator

        networks: list[Network] = []
        for checkpoint, (folder, converted) in zip(weights.files, found, strict=True):
            fast = OpenVinoNetwork(weights.name, converted, folder / GRAPH)
            networks.append(
                FallbackNetwork(fast, self._torch_loader(weights, checkpoint), self._discarder(checkpoint, folder))
            )
        separator = WindowedSeparator(weights.name, networks, weights.bag.weights)
        if len(networks) == 1:  # the networks of a larger bag are prepared on first use: a job may not need them all
            networks[0].prepare()
        control.checkpoint(1.0)
        return LoadedModel(weights, "openvino", "cpu", tuple(networks), separator)

    def _discarder(self, checkpoint: Path, folder: Path) -> Callable[[], None]:
        """A callback that deletes a failed conversion and stops this process from repeating it."""

        def discard() -> None:
            assert self._cache is not None
            self._inconvertible.add(checkpoint)
            self._cache.discard(folder)

        return discard

    def _torch_loader(self, weights: Weights, checkpoint: Path) -> Callable[[], Network]:
        def load() -> Network:
            from bridge.control import NullControl
            from bridge.separation.models.loading import load_bag
            from bridge.separation.networks.torch_network import TorchNetwork

            bag = Bag((checkpoint.stem,), None, weights.bag.segment_seconds)
            alone = replace(weights, bag=bag, files=(checkpoint,))
            return TorchNetwork(weights.name, load_bag(alone, NullControl()).models[0], "cpu")

        return load


def _agree(found: list[tuple[Path, OpenVinoModel]]) -> bool:
    """True if every model is converted and its output agrees with torch's."""
    return bool(found) and all(converted.difference <= MAX_DIFFERENCE for _, converted in found)


def _is_convertible(loaded: LoadedModel) -> bool:
    if not loaded.weights.is_convertible or loaded.device != "cpu":
        return False
    from bridge.separation.networks.torch_network import TorchNetwork

    return all(isinstance(network, TorchNetwork) and network.is_convertible for network in loaded.networks)
