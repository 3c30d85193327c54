"""The family of Deezer's trained Spleeter networks, which come with the installation (docs/decisions/0131)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.errors import WeightsUnavailable
from bridge.separation.families.family import Description
from bridge.separation.families.loaders import SpleeterLoader
from bridge.separation.models.demucs_bags import Bag
from bridge.separation.models.locations import ModelLocations
from bridge.separation.models.weights import Weights
from bridge.separation.names import GOOD, SPLEETER
from bridge.separation.spleeter.checkpoints import INSTALL, PACKAGE, SpleeterPackage
from bridge.stems import FOUR_STEMS

if TYPE_CHECKING:
    from bridge.separation.downloads.source import DownloadSource

_TERMS = " Weights: MIT (Deezer's Spleeter)."
_ENGINES = {
    GOOD: (
        FOUR_STEMS,
        "Comes with the bridge: clear vocals from trained networks; drums, bass and the rest as draft makes them.",
    ),
    SPLEETER: (("vocals", "other"), "Comes with the bridge: the vocals, and all instruments as one stem."),
}


@dataclass(frozen=True)
class SpleeterModels:
    """The engines `good` and `spleeter`, from the same two checkpoints in an installed package."""

    locations: ModelLocations
    package: SpleeterPackage

    def names(self) -> Sequence[str]:
        return tuple(_ENGINES)

    def descriptions(self) -> Mapping[str, Description]:
        needs = "" if self.package.files else f" Needs the Python package {PACKAGE}. {INSTALL}"
        return {
            name: Description(stems, note + _TERMS + needs, is_usable=not needs, licence="MIT")
            for name, (stems, note) in _ENGINES.items()
        }

    def find(self, name: str) -> Weights | None:
        files = self.package.files
        if not files:
            return None
        return Weights(name, Bag(tuple(files)), tuple(files.values()), SpleeterLoader(self.locations.conversions))

    def sources(self, name: str) -> Sequence[DownloadSource]:
        """Raises WeightsUnavailable: no server has them as the package does."""
        raise WeightsUnavailable(f"The networks of {name} are not installed.", advice=INSTALL)
