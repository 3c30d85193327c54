"""A model as files on this machine, and in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from bridge.separation.models.demucs_bags import Bag

if TYPE_CHECKING:
    from bridge.protocols import Control, Separator
    from bridge.separation.networks.base import Network

Backend = Literal["numpy", "torch", "openvino"]


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory, and what it was loaded from."""

    weights: Weights
    backend: Backend
    device: str
    """The requested device; the networks may have moved to another one."""
    networks: tuple[Network, ...]
    """Those that `Backends` may convert."""
    separator: Separator

    @property
    def is_displaced(self) -> bool:
        """True if `device` ran out of memory and at least one network now computes elsewhere."""
        return self.separator.device != self.device


#: Loads weights on `cpu`, `cuda` or `mps`. Raises WeightsUnavailable, OutOfMemory, EngineFailed, Cancelled.
Loader: TypeAlias = Callable[["Weights", str, "Control"], LoadedModel]


@dataclass(frozen=True)
class Weights:
    """The files of one model, all present; one per entry of `bag.signatures`. An engine without weights has none."""

    name: str
    bag: Bag
    files: tuple[Path, ...]
    loader: Loader
    """Turns the files into a separator, without a converted model."""
    is_convertible: bool = False
    """True if `Backends` may convert them for a faster back-end."""
    trusts_pickles: bool = False
    """True if the user has said that files which may run code are to be loaded."""

    @property
    def size_bytes(self) -> int | None:
        """The total size of the files; None if there are none."""
        return sum(path.stat().st_size for path in dict.fromkeys(self.files)) if self.files else None
