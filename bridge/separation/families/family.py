"""What a family of engines provides: names, descriptions, weights, and servers that have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bridge.separation.downloads.source import DownloadSource
    from bridge.separation.models.weights import Weights


@dataclass(frozen=True)
class Description:
    """An engine in the list of `sab models`."""

    stems: tuple[str, ...]
    """() if only the loaded model shows them."""
    note: str
    """For musicians."""
    download_bytes: int | None = None
    """The approximate size of its download; None if unknown."""
    is_usable: bool = True
    """False if a package is missing that computes it."""
    licence: str = ""
    """As `ModelInfo.licence`."""


class Family(Protocol):
    """Engines whose weights are found, downloaded and loaded in one way. Loads nothing itself: see `Weights.loader`."""

    def names(self) -> Sequence[str]:
        """The names that a job may request."""
        ...

    def descriptions(self) -> Mapping[str, Description]:
        """The engines to list, by name and in order."""
        ...

    def find(self, name: str) -> Weights | None:
        """The weights of `name`, one of `names`, if all files are on this machine; None if they must be downloaded.

        Raises:
            WeightsUnavailable: the user's definition of `name` is damaged, or names checkpoints that do not exist.
        """
        ...

    def sources(self, name: str) -> Sequence[DownloadSource]:
        """The servers that have the weights of `name`, the first choice first. Contacts none.

        Raises:
            WeightsUnavailable: the weights would be useless, since a package is missing.
        """
        ...
