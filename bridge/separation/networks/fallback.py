"""A network that switches to a second one when the first fails, and the warning about too little memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from bridge.errors import BridgeError, OutOfMemory
from bridge.model import Warning

if TYPE_CHECKING:
    from bridge.separation.networks.base import Estimate, Network, Planes

log = logging.getLogger(__name__)


class FallbackNetwork:
    """Computes with `primary` until it fails, then permanently with the network that `load_fallback` returns.

    `on_failure` is called first, unless memory ran out: then nothing is wrong with `primary`.
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
    def window_frames(self) -> int:
        return self._network.window_frames

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
        """Switches to the fallback network. Raises `error` if the fallback itself has failed."""
        if self.has_fallen_back:
            raise error
        log.warning("computing with torch from here on: %s", error)
        self.has_fallen_back = True
        if not isinstance(error, OutOfMemory):
            self._on_failure()
        self._network = self._load_fallback()


class _OnDevice(Protocol):
    @property
    def device(self) -> str: ...


def common_device(networks: Iterable[_OnDevice]) -> str:
    """The networks' device; `cpu` once one of them has moved there from a graphics processor."""
    devices = {network.device for network in networks}
    return devices.pop() if len(devices) == 1 else "cpu"


def out_of_memory_warning(name: str, device: str) -> Warning:
    """The warning, given once per job, that a model moved from the graphics processor `device` to the CPU."""
    return Warning(
        code=OutOfMemory.code,
        message=f"There was not enough memory on the graphics processor ({device}) for the model {name}; "
        "the processor does the rest, which is slower. The next job tries the graphics processor again.",
    )
