"""The one model that stays in memory between jobs, and its conversion for a faster back-end."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from bridge.separation.backends import Backends
from bridge.separation.models.weights import LoadedModel, Weights

if TYPE_CHECKING:
    from bridge.protocols import Control

log = logging.getLogger(__name__)


class WarmModel:
    """Loads a model, unless it is the loaded one. A job and the idle time may use it from two threads."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._loading = threading.Lock()
        self._loaded: LoadedModel | None = None
        self._warned_of_deviation: set[Weights] = set()

    @property
    def loaded(self) -> LoadedModel | None:
        return self._loaded

    def load(self, weights: Weights, device: str, control: Control) -> LoadedModel:
        """The model of `weights` on `device`, which must exist.

        Raises:
            WeightsUnavailable, OutOfMemory, EngineFailed, Cancelled: as `Backends.load`.
        """
        with self._loading:
            if self._loaded is not None and self._backends.is_current(self._loaded, weights, device):
                control.checkpoint(1.0)
                return self._loaded
            self._loaded = None  # first unload the old model: two may not fit into memory
            self._loaded = self._backends.load(weights, device, control)
            return self._loaded

    def unload(self) -> None:
        """Frees the memory of the model."""
        self._loaded = None

    def can_convert(self, device: str) -> bool:
        """True if models on `device` can be converted for a faster back-end."""
        return self._backends.can_convert(device)

    def convert(self, loaded: LoadedModel, control: Control) -> LoadedModel:
        """Converts and reloads a model; returns it unchanged if that is impossible.

        Raises:
            Cancelled: by `control`.
        """
        try:
            is_converted = self._backends.convert(loaded, control)
        except OSError as exc:
            log.warning("converting %s failed: %s", loaded.weights.name, exc)
            return loaded
        return self.load(loaded.weights, loaded.separator.device, control) if is_converted else loaded

    def warn_of_deviation(self, loaded: LoadedModel, control: Control) -> None:
        """Warns, once per model, if the faster back-end computes something else and is therefore not used."""
        warning = self._backends.deviation_warning(loaded.weights, loaded.device)
        if warning is not None and loaded.weights not in self._warned_of_deviation:
            self._warned_of_deviation.add(loaded.weights)
            control.warn(warning)
