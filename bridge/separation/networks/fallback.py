"""Where the fastest way fails: a network with another behind it, and what the user is told when memory was short."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.errors import BridgeError, OutOfMemory
from bridge.model import Warning

if TYPE_CHECKING:
    from bridge.separation.networks.base import Estimate, Network, Planes

log = logging.getLogger(__name__)


class FallbackNetwork:
    """Computes with `primary` until that fails, then for good with what `load_fallback` gives.

    `on_failure` is called in between, unless memory was short: then nothing is wrong with `primary`.
    """

    def __init__(self, primary: Network, load_fallback: Callable[[], Network], on_failure: Callable[[], None]) -> None:
        self._network = primary
        self._load_fallback = load_fallback
        self._on_failure = on_failure
        self.has_fallen_back = False

    @property
    def sources(self) -> tuple[str, ...]:
        return self._network.sources

    @property
    def sample_rate_hz(self) -> int:
        return self._network.sample_rate_hz

    @property
    def segment_frames(self) -> int:
        return self._network.segment_frames

    @property
    def device(self) -> str:
        return self._network.device

    def input_frames(self, length: int) -> int:
        return self._network.input_frames(length)

    def prepare(self) -> None:
        try:
            self._network.prepare()
        except BridgeError as error:
            self._fall_back(error)

    def estimate(self, audio: Planes) -> Estimate:
        try:
            return self._network.estimate(audio)
        except BridgeError as error:
            self._fall_back(error)
            return self._network.estimate(audio)

    def identity(self) -> str:
        return self._network.identity()

    def _fall_back(self, error: BridgeError) -> None:
        """Raises `error` where there is nothing left to fall back on."""
        if self.has_fallen_back:
            raise error
        log.warning("computing with torch from here on: %s", error)
        self.has_fallen_back = True
        if not isinstance(error, OutOfMemory):
            self._on_failure()
        self._network = self._load_fallback()


def out_of_memory_warning(name: str, device: str) -> Warning:
    """What the user is told, once in a job, where a model had to leave the graphics processor `device`."""
    return Warning(
        code=OutOfMemory.code,
        message=f"There was not enough memory on the graphics processor ({device}) for the model {name}; "
        "the processor does the rest, which is slower. The next job tries the graphics processor again.",
    )
