"""Opens separation engines by name: `draft`, `htdemucs`, `auto` …"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from bridge.control import PartControl, StoppableControl
from bridge.errors import Cancelled
from bridge.options.readers import one_of
from bridge.separation.auto import open_auto
from bridge.separation.backends import Backends
from bridge.separation.catalogue import engine_names
from bridge.separation.device import check_device, choose_device
from bridge.separation.downloads.fetch import Fetcher
from bridge.separation.families.table import EngineFamilies
from bridge.separation.names import AUTO, GOOD, PREFERRED
from bridge.separation.supply import Fetch, WeightsSupply
from bridge.separation.throughput import EngineSpeeds, TimedSeparator
from bridge.separation.warm_model import WarmModel

if TYPE_CHECKING:
    from bridge.protocols import Clock, Control, Separator

#: Jobs with at least this much audio convert their model first. Converting takes 10–15 s on a small machine and makes
#: separation a third faster.
WORTH_CONVERTING_SECONDS = 120.0


class EngineRegistry:
    """Opens separators for one worker process. Keeps one model loaded so that the next job starts immediately."""

    def __init__(
        self,
        families: EngineFamilies,
        *,
        clock: Clock,
        fetch: Fetch | None = None,
        backends: Backends | None = None,
        speeds: EngineSpeeds | None = None,
    ) -> None:
        self._families = families
        self._clock = clock
        self._supply = WeightsSupply(families, fetch or Fetcher(clock=clock).fetch)
        self._warm = WarmModel(backends or Backends())
        self._speeds = speeds

    def open(self, name: str, device: str, control: Control, seconds: float = 0.0) -> Separator:
        """The engine `name` on `device` (`auto`, `cpu`, `cuda`, `mps`), loaded and ready to separate.

        `auto` is htdemucs if its weights are on this machine; otherwise good, with a warning to `control`. An engine
        requested by name is never replaced by another, and downloads its weights if they are missing.

        Args:
            seconds: length of the audio to separate. A model that was just downloaded, or that has a long job ahead,
                is converted for a faster back-end first. Other models are converted when the worker is idle.

        Raises:
            BadArguments: unknown engine or device.
            WeightsUnavailable: the weights are missing and cannot be downloaded, or they are damaged.
            EngineFailed, OutOfMemory: the device is missing, or has too little memory.
            Cancelled: by `control`.
        """
        check_device(device)
        name = one_of("engine", name, engine_names(self._families))

        def open_named(name: str) -> Separator:
            return self._open(name, device, control, seconds)

        separator = open_auto(open_named, self._families, control) if name == AUTO else open_named(name)
        return separator if self._speeds is None else TimedSeparator(separator, self._speeds, self._clock)

    def _open(self, name: str, device: str, control: Control, seconds: float) -> Separator:
        was_present = self._families.find(name) is not None
        weights = self._supply.obtain(name, PartControl(control, 0.0, 0.9))
        if not weights.files:
            return weights.loader(weights, device, control).separator
        loaded = self._warm.load(weights, choose_device(device), PartControl(control, 0.9, 1.0))
        if not was_present or seconds >= WORTH_CONVERTING_SECONDS:
            loaded = self._warm.convert(loaded, PartControl(control, 1.0, 1.0))
        self._warm.warn_of_deviation(loaded, control)
        return loaded.separator

    def pull(self, name: str, control: Control) -> None:
        """Prepares `name` ahead of time: downloads its weights and converts them if that makes separation faster.

        Raises:
            BadArguments, WeightsUnavailable, Cancelled: as `open`.
        """
        name = one_of("model", name, engine_names(self._families))
        weights = self._supply.obtain(PREFERRED if name == AUTO else name, PartControl(control, 0.0, 0.9))
        device = choose_device("auto")
        if weights.files and self._warm.can_convert(device):
            loaded = self._warm.load(weights, device, PartControl(control, 0.9, 1.0))
            self._warm.convert(loaded, PartControl(control, 1.0, 1.0))
        control.checkpoint(1.0)

    def prepare(self, stop: threading.Event) -> None:
        """Loads the model that `auto` stands for in idle time, unless a model is loaded already. Downloads nothing.

        May run on a different thread than the other methods. Ends after its current step once `stop` is set.
        """
        weights = self._families.find(PREFERRED) or self._families.find(GOOD)
        if self._warm.loaded is None and weights is not None and not stop.is_set():
            with suppress(Cancelled):
                self._warm.load(weights, choose_device("auto"), StoppableControl(stop))

    def convert(self, stop: threading.Event) -> None:
        """Converts the loaded model for a faster back-end in idle time and loads the result. `stop` as in `prepare`."""
        if self._warm.loaded is not None:
            with suppress(Cancelled):
                self._warm.convert(self._warm.loaded, StoppableControl(stop))

    def close(self) -> None:
        """Unloads the model and frees its memory."""
        self._warm.unload()
