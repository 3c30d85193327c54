"""Controls for a part of a job, and for work that reports to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


class NullControl:
    """A `Control` that ignores everything."""

    def checkpoint(self, fraction: float) -> None: ...

    def warn(self, warning: Warning) -> None: ...
