"""The family of the released Open-Unmix models (docs/decisions/0060)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.separation.downloads.source import DownloadSource, server_sources
from bridge.separation.families.family import Description
from bridge.separation.families.loaders import load_openunmix
from bridge.separation.families.user_models import find_in
from bridge.separation.models.demucs_bags import Bag
from bridge.separation.models.locations import ModelLocations
from bridge.separation.models.openunmix_files import INSTALL, NAMES, Unmix, check_installed, is_installed
from bridge.separation.models.weights import Weights
from bridge.stems import FOUR_STEMS

_NOTES = {
    "umxhq": "Open-Unmix: light and older; trained on MUSDB18-HQ. Weights: see the authors' terms (trained in part on "
    "MUSDB18, whose songs are for non-commercial research).",
    "umxl": "Open-Unmix, larger, trained on more songs. Weights: CC BY-NC-SA 4.0, not for commercial use.",
}
_LICENCES = {"umxhq": "research", "umxl": "CC BY-NC-SA"}


@dataclass(frozen=True)
class OpenUnmixModels:
    """Listed whether or not their package is installed, which knows the servers."""

    locations: ModelLocations
    unmix: Unmix

    def names(self) -> Sequence[str]:
        return NAMES

    def descriptions(self) -> Mapping[str, Description]:
        needs = "" if is_installed() else f" Needs the Python package openunmix. {INSTALL}"
        return {
            name: Description(FOUR_STEMS, _NOTES[name] + needs, is_usable=not needs, licence=_LICENCES[name])
            for name in NAMES
        }

    def find(self, name: str) -> Weights | None:
        return find_in(self.locations.models_dir, name) or self._find_in_server_cache(name)

    def sources(self, name: str) -> Sequence[DownloadSource]:
        check_installed(name)
        files = self.unmix.files(name, self.locations.server_cache)
        downloads = [(self.unmix.urls[name][target], path) for target, path in files.items()]
        return server_sources("The server of the Open-Unmix authors", downloads)

    def _find_in_server_cache(self, name: str) -> Weights | None:
        files = self.unmix.files(name, self.locations.server_cache)
        if not files or not all(path.is_file() for path in files.values()):
            return None
        return Weights(name, Bag(tuple(files)), tuple(files.values()), load_openunmix)
