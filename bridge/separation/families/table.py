"""The table of engine families. An engine belongs to the first family that has its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.separation.families.demucs import DemucsBags
from bridge.separation.families.draft import DraftFamily
from bridge.separation.families.family import Description, Family
from bridge.separation.families.openunmix import OpenUnmixModels
from bridge.separation.families.spleeter import SpleeterModels
from bridge.separation.families.user_models import UserModels
from bridge.separation.models.demucs_bags import Released
from bridge.separation.models.locations import ModelLocations
from bridge.separation.models.openunmix_files import Unmix
from bridge.separation.spleeter.checkpoints import SpleeterPackage

if TYPE_CHECKING:
    from bridge.separation.downloads.source import DownloadSource
    from bridge.separation.models.weights import Weights


def family_rows(
    locations: ModelLocations, released: Released, unmix: Unmix, spleeter: SpleeterPackage
) -> tuple[Family, ...]:
    """One row per family, in the order of `sab models`."""
    return (
        DraftFamily(),
        SpleeterModels(locations, spleeter),
        DemucsBags(locations, released),
        OpenUnmixModels(locations, unmix),
        UserModels(locations.models_dir, released),
    )


@dataclass(frozen=True)
class EngineFamilies:
    """All families as one: answers for every engine but `auto`. Lists folders anew at each call."""

    rows: tuple[Family, ...]
    trust_pickles: bool = False
    """As the setting."""

    @classmethod
    def of(cls, models_dir: Path, conversions: Path | None = None, *, trust_pickles: bool = False) -> EngineFamilies:
        """The families on this machine; `conversions` as in `ModelLocations`."""
        return replace(cls.at(ModelLocations.of(models_dir, conversions=conversions)), trust_pickles=trust_pickles)

    @classmethod
    def at(
        cls, locations: ModelLocations, released: Released | None = None, spleeter: SpleeterPackage | None = None
    ) -> EngineFamilies:
        """The families at these locations; `released` and `spleeter` stand in for the installed packages."""
        return cls(
            family_rows(
                locations,
                released or Released.installed(),
                Unmix.installed(),
                spleeter or SpleeterPackage.installed(),
            )
        )

    def names(self) -> tuple[str, ...]:
        return tuple(self._owners())

    def descriptions(self) -> Mapping[str, Description]:
        """Every engine that is listed, in order."""
        found: dict[str, Description] = {}
        for row in self.rows:
            for name, description in row.descriptions().items():
                found.setdefault(name, description)
        return found

    def find(self, name: str) -> Weights | None:
        """See `Family.find`; None for a name that no family has."""
        owner = self._owners().get(name)
        found = owner.find(name) if owner else None
        return replace(found, trusts_pickles=True) if found is not None and self.trust_pickles else found

    def sources(self, name: str) -> Sequence[DownloadSource]:
        """See `Family.sources`; empty for a name that no family has."""
        owner = self._owners().get(name)
        return owner.sources(name) if owner else ()

    def _owners(self) -> dict[str, Family]:
        owners: dict[str, Family] = {}
        for row in self.rows:
            for name in row.names():
                owners.setdefault(name, row)
        return owners
