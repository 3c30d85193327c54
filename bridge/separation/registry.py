"""Opens separation engines by name (`draft`, `htdemucs`, `auto` …) and keeps the last model in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.control import PartControl
from bridge.errors import Cancelled, WeightsUnavailable
from bridge.model import Warning
from bridge.options.readers import one_of
from bridge.separation.backends import Backends, LoadedModel
from bridge.separation.device import check_device, choose_device
from bridge.separation.downloads.fetch import Fetcher
from bridge.separation.models.catalogue import AUTO, DRAFT, PREFERRED, engine_names, needs_diffq
from bridge.separation.models.locations import ModelLocations, Weights
from bridge.separation.models.openunmix import check_installed
from bridge.separation.throughput import EngineSpeeds, TimedSeparator

if TYPE_CHECKING:
    from bridge.protocols import Clock, Control, Separator

    #: Downloads a released model to where `ModelLocations` finds it; raises WeightsUnavailable or Cancelled.
    Fetch = Callable[[str, ModelLocations, Control], None]

log = logging.getLogger(__name__)

#: Jobs with at least this much audio convert their model first. Converting takes 10–15 s on a small machine and makes
#: separation a third faster.
WORTH_CONVERTING_SECONDS = 120.0
#: How long `auto` waits before it retries a failed download.
RETRY_AFTER_SECONDS = 300.0


class EngineRegistry:
    """Opens separators for one worker process. Keeps one model loaded so that the next job starts immediately."""

    def __init__(
        self,
        models_dir: Path,
        *,
        clock: Clock,
        fetch: Fetch | None = None,
        locations: ModelLocations | None = None,
        backends: Backends | None = None,
        speeds: EngineSpeeds | None = None,
        retry_after_seconds: float = RETRY_AFTER_SECONDS,
    ) -> None:
        self._locations = locations or ModelLocations.of(models_dir)
        self._clock = clock
        self._fetch = fetch or Fetcher(clock=clock).fetch
        self._retry_after_seconds = retry_after_seconds
        self._failed: dict[str, tuple[float, WeightsUnavailable]] = {}
        self._backends = backends or Backends()
        self._speeds = speeds
        self._warm: LoadedModel | None = None
        self._warned_of_deviation: set[Weights] = set()
        self._loading = threading.Lock()

    def open(self, name: str, device: str, control: Control, seconds: float = 0.0) -> Separator:
        """The engine `name` on `device` (`auto`, `cpu`, `cuda`, `mps`), loaded and ready to separate.

        `auto` is htdemucs if its weights are present or can be downloaded; otherwise draft, with a warning to
        `control`. An engine requested by name is never replaced by another.

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
        name = one_of("engine", name, engine_names(self._locations))
        separator = self._open(name, device, control, seconds)
        return separator if self._speeds is None else TimedSeparator(separator, self._speeds, self._clock)

    def _open(self, name: str, device: str, control: Control, seconds: float) -> Separator:
        if name == DRAFT:
            return self._open_draft(control)
        if name != AUTO:
            return self._open_model(name, device, control, seconds)
        try:
            self._raise_recent_failure(PREFERRED)
            return self._open_model(PREFERRED, device, control, seconds)
        except WeightsUnavailable as exc:
            control.warn(
                Warning(
                    code=exc.code,
                    message=f"{exc.message} The built-in engine draft does the work instead, with more bleed between "
                    f"the stems. For the better one, connect to the internet and run `sab models pull {PREFERRED}`.",
                )
            )
            return self._open_draft(control)

    def pull(self, name: str, control: Control) -> None:
        """Prepares `name` ahead of time: downloads its weights and converts them if that makes separation faster.

        Raises:
            BadArguments, WeightsUnavailable, Cancelled: as `open`.
        """
        name = one_of("model", name, engine_names(self._locations))
        if name != DRAFT:
            weights = self._weights(PREFERRED if name == AUTO else name, PartControl(control, 0.0, 0.9))
            device = choose_device("auto")
            if self._backends.can_convert(device):
                with self._loading:
                    loaded = self._load(weights, device, PartControl(control, 0.9, 1.0))
                self._convert_if_possible(loaded, PartControl(control, 1.0, 1.0))
        control.checkpoint(1.0)

    def prepare(self, stop: threading.Event) -> None:
        """Loads the preferred model in idle time, unless a model is loaded already. Downloads nothing.

        May run on a different thread than the other methods. Ends after its current step once `stop` is set.
        """

        weights = self._locations.find(PREFERRED)
        if self._warm is not None or weights is None or stop.is_set():
            return
        device = choose_device("auto")
        with suppress(Cancelled), self._loading:
            self._load(weights, device, _UntilStopped(stop))

    def convert(self, stop: threading.Event) -> None:
        """Converts the loaded model for a faster back-end in idle time and loads the result. `stop` as in `prepare`."""
        loaded = self._warm
        if loaded is not None:
            with suppress(Cancelled):
                self._convert(loaded, _UntilStopped(stop))

    def _convert_if_possible(self, loaded: LoadedModel, control: Control) -> LoadedModel:
        """Converts and reloads a model if possible; returns it unchanged if the cache cannot be written."""
        try:
            return self._convert(loaded, control)
        except OSError as exc:
            log.warning("converting %s failed: %s", loaded.weights.name, exc)
            return loaded

    def _convert(self, loaded: LoadedModel, control: Control) -> LoadedModel:
        if not self._backends.convert(loaded, control):
            return loaded
        with self._loading:
            return self._load(loaded.weights, loaded.separator.device, control)

    def close(self) -> None:
        """Unloads the model and frees its memory."""
        self._warm = None

    def _open_draft(self, control: Control) -> Separator:
        from bridge.separation.draft.engine import DraftSeparator

        control.checkpoint(1.0)
        return DraftSeparator()

    def _open_model(self, name: str, device: str, control: Control, seconds: float) -> Separator:
        was_present = self._locations.find(name) is not None
        weights = self._weights(name, PartControl(control, 0.0, 0.9))
        chosen = choose_device(device)
        with self._loading:
            loaded = self._load(weights, chosen, PartControl(control, 0.9, 1.0))
        if not was_present or seconds >= WORTH_CONVERTING_SECONDS:
            loaded = self._convert_if_possible(loaded, PartControl(control, 1.0, 1.0))
        deviation_warning = self._backends.deviation_warning(weights, chosen)
        if deviation_warning is not None and weights not in self._warned_of_deviation:
            self._warned_of_deviation.add(weights)
            control.warn(deviation_warning)
        return loaded.separator

    def _load(self, weights: Weights, device: str, control: Control) -> LoadedModel:
        if self._warm is not None and self._backends.is_current(self._warm, weights, device):
            control.checkpoint(1.0)
            return self._warm
        self._warm = None  # first unload the old model: two may not fit into memory
        self._warm = self._backends.load(weights, device, control)
        return self._warm

    def _weights(self, name: str, control: Control) -> Weights:
        """The weights of `name`; downloads them if they are not on this machine."""
        found = self._locations.find(name)
        if found is not None:
            return found
        if needs_diffq(name):
            raise WeightsUnavailable(
                f"The model {name} is quantised, and the package diffq that unpacks it is not installed.",
                advice=f"Install diffq, or use {name.removesuffix('_q')}.",
            )
        if name in self._locations.unmix_names:
            check_installed(name)
        control.checkpoint(0.0)
        try:
            self._fetch(name, self._locations, control)
            found = self._locations.find(name)
            if found is None:
                raise WeightsUnavailable(f"The model {name} was fetched, but its files are not complete.")
        except WeightsUnavailable as exc:
            self._failed[name] = (self._clock.monotonic_seconds(), exc)
            raise
        self._failed.pop(name, None)
        return found

    def _raise_recent_failure(self, name: str) -> None:
        """Raises the error of the last download of `name` if it failed recently and the weights are still missing."""
        failed_at, failure = self._failed.get(name, (0.0, None))
        if failure is None or self._locations.find(name) is not None:
            return
        if self._clock.monotonic_seconds() - failed_at < self._retry_after_seconds:
            raise WeightsUnavailable(failure.message, advice=failure.advice)


class _UntilStopped:
    """The `Control` of idle-time work: raises Cancelled once `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def checkpoint(self, fraction: float) -> None:  # noqa: ARG002 - idle-time work shows no progress
        if self._stop.is_set():
            raise Cancelled

    def warn(self, warning: Warning) -> None:
        """Does nothing: `EngineRegistry.open` warns the job that uses the model."""
