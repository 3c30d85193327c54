"""Obtains weights: from this machine, or else by a download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.source import DownloadSource

if TYPE_CHECKING:
    from bridge.protocols import Clock, Control
    from bridge.separation.families.table import EngineFamilies
    from bridge.separation.models.weights import Weights

#: Downloads a model from one of its sources; raises WeightsUnavailable or Cancelled.
Fetch: TypeAlias = Callable[[str, Sequence[DownloadSource], "Control"], None]

#: How long a failed download counts as recent.
RETRY_AFTER_SECONDS = 300.0


class WeightsSupply:
    """Finds or downloads the weights of engines, and remembers the downloads that failed."""

    def __init__(self, families: EngineFamilies, fetch: Fetch, clock: Clock) -> None:
        self._families = families
        self._fetch = fetch
        self._clock = clock
        self._failed: dict[str, tuple[float, WeightsUnavailable]] = {}

    def find(self, name: str) -> Weights | None:
        """The weights of `name` on this machine."""
        return self._families.find(name)

    def obtain(self, name: str, control: Control) -> Weights:
        """The weights of `name`; downloads them if they are not on this machine.

        Raises:
            WeightsUnavailable: they cannot be downloaded, or the user's definition of `name` is damaged.
            Cancelled: by `control`.
        """
        found = self._families.find(name)
        if found is not None:
            return found
        sources = self._families.sources(name)
        control.checkpoint(0.0)
        try:
            self._fetch(name, sources, control)
            found = self._families.find(name)
            if found is None:
                raise WeightsUnavailable(f"The model {name} was fetched, but its files are not complete.")
        except WeightsUnavailable as exc:
            self._failed[name] = (self._clock.monotonic_seconds(), exc)
            raise
        self._failed.pop(name, None)
        return found

    def raise_recent_failure(self, name: str) -> None:
        """Raises the error of the last download of `name` if it failed recently and the weights are still missing."""
        failed_at, failure = self._failed.get(name, (0.0, None))
        if failure is None or self._families.find(name) is not None:
            return
        if self._clock.monotonic_seconds() - failed_at < RETRY_AFTER_SECONDS:
            raise WeightsUnavailable(failure.message, advice=failure.advice)
