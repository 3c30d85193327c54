"""Controls for a part of a job, for work that an event stops, and for work that reports to nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.errors import Cancelled
from bridge.model import Warning

if TYPE_CHECKING:
    from bridge.protocols import Control


class PartControl:
    """A `Control` that maps its 0–1 to `start`–`stop` of another control; its progress never falls."""

    def __init__(self, whole: Control, start: float, stop: float) -> None:
        self._whole = whole
        self._start = start
        self._stop = stop
        self._reached = 0.0

    def checkpoint(self, fraction: float) -> None:
        self._reached = max(self._reached, min(fraction, 1.0))
        self._whole.checkpoint(self._start + (self._stop - self._start) * self._reached)

    def warn(self, warning: Warning) -> None:
        self._whole.warn(warning)


def _ignore(_: object) -> None: ...


@dataclass(frozen=True)
class StoppableControl:
    """A `Control` that raises Cancelled once `stopped` is set; until then it passes progress and warnings on."""

    stopped: threading.Event
    on_progress: Callable[[float], None] = _ignore
    on_warning: Callable[[Warning], None] = _ignore

    def checkpoint(self, fraction: float) -> None:
        if self.stopped.is_set():
            raise Cancelled
        self.on_progress(fraction)

    def warn(self, warning: Warning) -> None:
        self.on_warning(warning)


class NullControl:
    """A `Control` that ignores everything."""

    def checkpoint(self, fraction: float) -> None: ...

    def warn(self, warning: Warning) -> None: ...
