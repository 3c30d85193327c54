"""The family of the released Demucs models: their notes, sizes, caches and servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from bridge.separation.downloads.hub_repository import HubRepository
from bridge.separation.downloads.source import DownloadSource, server_sources
from bridge.separation.downloads.transfer import Transfer
from bridge.separation.families.family import Description
from bridge.separation.families.loaders import demucs_weights
from bridge.separation.families.user_models import find_in
from bridge.separation.models.demucs_bags import (
    ADDING,
    Bag,
    Released,
    check_demucs,
    check_diffq,
    is_quantised,
    read_bag,
)
from bridge.separation.models.locations import ModelLocations
from bridge.separation.models.weights import Weights
from bridge.stems import FOUR_STEMS, STEMS

_UNDER_MIT = frozenset({"htdemucs", "htdemucs_ft", "htdemucs_6s"})
_MIT = " Weights: MIT, as their author republished them in July 2026."
_TERMS = " Weights: see the authors' terms (trained in part on MUSDB18, whose songs are for non-commercial research)."

#: The first sentences on each model; the terms follow.
_NOTES = {
    "htdemucs": "The one to start with: clean stems, and the fastest of the good models.",
    "htdemucs_ft": "htdemucs tuned for each stem: a little better, up to four times slower.",
    "htdemucs_6s": "Adds guitar and piano; the guitar is usable, the piano bleeds.",
    "hdemucs_mmi": "The generation before htdemucs, retrained on 800 songs more.",
    "mdx": "Won its track of the 2021 Music Demixing Challenge; trained on MUSDB18-HQ alone.",
    "mdx_extra": "As mdx, trained on more songs; second of its track in 2021.",
    "mdx_q": "mdx as a smaller download, a little worse.",
    "mdx_extra_q": "mdx_extra as a smaller download, a little worse.",
}
_OTHER_NOTE = "One of the models behind a published result, for comparisons."
_DIFFQ = " Needs the Python package diffq."

#: Size of each checkpoint on the authors' server (`Content-Length`) in bytes, as public projects pin it together with
#: the SHA-256 whose first digits are in the file name. The hub's safetensors are about 0.1 % smaller (htdemucs_ft
#: 84,025,440, htdemucs_6s 54,885,744). No published size was found for `mdx`, `mdx_q` and the other missing models.
_CHECKPOINT_BYTES = {
    "955717e8": 84_141_911,
    "f7e0c4bc": 84_141_271,
    "d12395a8": 84_141_271,
    "92cfc3b6": 84_141_271,
    "04573f0d": 84_141_271,
    "5c90dfd2": 54_996_327,
    "75fc33f5": 167_407_275,
    "e51eebcc": 167_399_275,
    "a1d90b5c": 167_391_595,
    "5d2d6c55": 167_391_595,
    "cfa93e08": 167_399_275,
    "83fc094f": 50_756_993,
    "464b36d7": 38_893_153,
    "14fc6a69": 38_491_885,
    "7fd6ef75": 39_436_529,
}


@dataclass(frozen=True)
class DemucsBags:
    """The bags of the demucs package's table. The user's folder, the hub's and torch.hub's caches may hold them.

    Without the package, the well-known ones are listed, and cannot be used.
    """

    locations: ModelLocations
    released: Released

    def names(self) -> Sequence[str]:
        return self.released.names if self._is_installed else tuple(_NOTES)

    def descriptions(self) -> Mapping[str, Description]:
        return {name: self._description(name) for name in self.names()}

    def find(self, name: str) -> Weights | None:
        return (
            find_in(self.locations.models_dir, name, self.released.bag(name))
            or self._find_in_hub_cache(name)
            or self._find_in_server_cache(name)
        )

    def sources(self, name: str) -> Sequence[DownloadSource]:
        check_demucs(name)
        check_diffq(name)
        repository = self._repository(name)
        hub = DownloadSource(
            "The Hugging Face hub", repository.address(f"{name}.yaml"), partial(_from_hub, repository, name)
        )
        return (hub, *server_sources("The server of the demucs authors", self._server_files(name)))

    @property
    def _is_installed(self) -> bool:
        return self.released.folder is not None

    def _description(self, name: str) -> Description:
        terms = _MIT if name in _UNDER_MIT else _TERMS
        note = _NOTES.get(name, _OTHER_NOTE) + terms + (_DIFFQ if is_quantised(name) else "")
        if not self._is_installed:
            note += f" Needs the Python package demucs. {ADDING}"
        stems = STEMS if name == "htdemucs_6s" else FOUR_STEMS
        is_usable = self._is_installed and (not is_quantised(name) or find_spec("diffq") is not None)
        licence = "MIT" if name in _UNDER_MIT else "research"
        return Description(stems, note, self._download_bytes(name), is_usable, licence)

    def _download_bytes(self, name: str) -> int | None:
        sizes = [_CHECKPOINT_BYTES.get(signature) for signature in dict.fromkeys(self._signatures(name))]
        known = [size for size in sizes if size is not None]
        return sum(known) if sizes and len(known) == len(sizes) else None

    def _signatures(self, name: str) -> tuple[str, ...]:
        bag = self.released.bag(name)
        return bag.signatures if bag else ()

    def _repository(self, name: str) -> HubRepository:
        pin = self.released.pins.get(name)
        return HubRepository(repository_name(name), self.locations.hub_cache, self.locations.hub_url, pin)

    def _find_in_hub_cache(self, name: str) -> Weights | None:
        for snapshot in self._repository(name).snapshots:
            if (snapshot / f"{name}.yaml").is_file():
                bag = read_bag(snapshot / f"{name}.yaml")
                found = _complete(name, bag, [snapshot / f"{signature}.safetensors" for signature in bag.signatures])
                if found is not None:
                    return found
        return None

    def _find_in_server_cache(self, name: str) -> Weights | None:
        bag, files = self.released.bag(name), self._server_files(name)
        return _complete(name, bag, [path for _, path in files]) if bag and files else None

    def _server_files(self, name: str) -> list[tuple[str, Path]]:
        """URL and cached file of each checkpoint; empty if the authors' server lacks one."""
        signatures, urls = self._signatures(name), self.released.urls
        if any(signature not in urls for signature in signatures):
            return []
        cache = self.locations.server_cache
        return [(urls[signature], cache / urls[signature].rsplit("/", 1)[-1]) for signature in signatures]


def repository_name(name: str) -> str:
    """The Hugging Face repository of a released model (named as in `demucs.hf.hf_repo_name`)."""
    if name == "htdemucs":
        return "adefossez/HTDemucs"
    if name.startswith("htdemucs_"):
        return "adefossez/HTDemucs-" + name.removeprefix("htdemucs_")
    return "adefossez/Demucs-" + name


def _complete(name: str, bag: Bag, files: Sequence[Path]) -> Weights | None:
    return demucs_weights(name, bag, tuple(files)) if all(path.is_file() for path in files) else None


def _from_hub(repository: HubRepository, name: str, transfer: Transfer) -> None:
    """Downloads the definition of a model, then its checkpoints."""
    from bridge.separation.downloads.hub import from_hub

    def checkpoints(definition: Path) -> list[str]:
        return [f"{signature}.safetensors" for signature in dict.fromkeys(read_bag(definition).signatures)]

    from_hub(repository, f"{name}.yaml", checkpoints, transfer)
