"""Obtains weights: from this machine, or else by a download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.source import DownloadSource

if TYPE_CHECKING:
    from bridge.protocols import Control
    from bridge.separation.families.table import EngineFamilies
    from bridge.separation.models.weights import Weights

#: Downloads a model from one of its sources; raises WeightsUnavailable or Cancelled.
Fetch: TypeAlias = Callable[[str, Sequence[DownloadSource], "Control"], None]


@dataclass(frozen=True)
class WeightsSupply:
    """Finds the weights of engines, or downloads them with `fetch`."""

    families: EngineFamilies
    fetch: Fetch

    def obtain(self, name: str, control: Control) -> Weights:
        """The weights of `name`; downloads them if they are not on this machine.

        Raises:
            WeightsUnavailable: they cannot be downloaded, or the user's definition of `name` is damaged.
            Cancelled: by `control`.
        """
        found = self.families.find(name)
        if found is not None:
            return found
        sources = self.families.sources(name)
        control.checkpoint(0.0)
        self.fetch(name, sources, control)
        found = self.families.find(name)
        if found is None:
            raise WeightsUnavailable(f"The model {name} was fetched, but its files are not complete.")
        return found
