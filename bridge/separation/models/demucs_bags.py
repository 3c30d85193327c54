"""The demucs package's table of released models, read from its files without importing it.

Importing demucs loads torch, which the main process must never do. The package's `remote` folder is plain text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bridge.errors import WeightsUnavailable
from bridge.separation.downloads.hub_repository import HubPin
from bridge.system.files import read_small
from bridge.system.packages import package_folder

#: The server from which the package downloads single checkpoints (`demucs.pretrained.ROOT_URL`).
SERVER_URL = "https://dl.fbaipublicfiles.com/demucs/"

#: The hub's files, as several public projects have recorded them with the same figures (docs/decisions/0153). Of the
#: other models' files nothing was found: the hub's own word is checked, and the authors' server names files by hash.
PINS: Mapping[str, HubPin] = {
    "htdemucs": HubPin(
        "bf35a81b663819a8255c8fefee17f9d812b786b5",
        {"955717e8.safetensors": "d9fa14133cfcc034a6758923bb3a8ca9f8dfd0b582134643bbf83f72c17576dd"},
    ),
    "htdemucs_ft": HubPin(
        "478be8a68f85418addd6f7baefd4be76522a4034",
        {
            "f7e0c4bc.safetensors": "2c85ab3c62dd6edd8e0b965e38b16fd1cdde357cc25de6b6bc9ce7c83f60925f",
            "d12395a8.safetensors": "5b01a97567ae9a3178a6236fb520251045c03eb8834bc8c24a4eec11d6c8fb56",
            "92cfc3b6.safetensors": "a241863551f30d01c42bd7b97da40839922ead3acb0f1fcab25682f55b4eeb59",
            "04573f0d.safetensors": "68854b0d7c2b3274723b5761f6fd9f5aec5f1bcd3f0de7c1669546fdb7871b7c",
        },
    ),
    "htdemucs_6s": HubPin(
        "3c5ee475be622df764938de97e4281a7b07ffa58",
        {"5c90dfd2.safetensors": "d2a1745f0744721f6b8ca5bf469b67c651ea5ed1b52998cab033b2158609d411"},
    ),
}
#: A definition is a few lines.
MAX_DEFINITION_CHARACTERS, MAX_DEPTH = 1 << 16, 8
#: What to do without the package.
ADDING = "docs/installation.md shows how to add it to this system."


@dataclass(frozen=True)
class Bag:
    """Models whose estimates are averaged, as a `.yaml` beside the checkpoints defines them."""

    signatures: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None = None
    """One row per model, one column per stem; None: equal weights."""
    segment_seconds: float | None = None
    """Window length; None: the models' own."""


def read_bag(path: Path) -> Bag:
    """Reads one bag definition.

    Raises:
        WeightsUnavailable: the file is not a valid definition.
    """
    import yaml

    class PlainLoader(yaml.SafeLoader):
        """Refuses aliases, a few lines of which describe gigabytes, and deep nesting."""

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent) or self.depth > MAX_DEPTH:
                raise yaml.YAMLError("it is no list of models")
            self.depth += 1
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

    try:
        text = read_small(path).decode("utf-8")
        if len(text) > MAX_DEFINITION_CHARACTERS:
            raise ValueError("it is too long")
        content = yaml.load(text, PlainLoader)  # noqa: S506 - a safe loader
        signatures = tuple(str(signature) for signature in content["models"])
        rows = content.get("weights")
        weights = None if rows is None else tuple(tuple(float(weight) for weight in row) for row in rows)
        segment = content.get("segment")
        seconds = None if segment is None else float(segment)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as exc:
        raise WeightsUnavailable(
            f"{path.name} in {path.parent} does not describe a model.", advice="Remove it, or fetch the model again."
        ) from exc
    if not signatures:
        raise WeightsUnavailable(f"{path.name} in {path.parent} names no models.")
    return Bag(signatures, weights, seconds)


def is_quantised(name: str) -> bool:
    """True for released models whose weights need the package diffq."""
    return name.endswith("_q")


def check_diffq(name: str) -> None:
    """Raises WeightsUnavailable if `name` cannot be loaded because diffq is not installed."""
    if is_quantised(name) and find_spec("diffq") is None:
        raise WeightsUnavailable(
            f"The model {name} is quantised, and the package diffq that unpacks it is not installed.",
            advice=f"Install diffq, or use {name.removesuffix('_q')}.",
        )


def check_demucs(name: str) -> None:
    """Raises WeightsUnavailable if the package demucs, which computes `name`, is not installed.

    On some systems plain pip cannot install it: docs/decisions/0150.
    """
    if package_folder("demucs") is None:
        raise WeightsUnavailable(f"The model {name} needs the package demucs, which is not installed.", advice=ADDING)


@dataclass(frozen=True)
class Released:
    """The table of released models in the `remote` folder of the demucs package; empty without the folder."""

    folder: Path | None
    server_url: str = SERVER_URL
    pins: Mapping[str, HubPin] = field(default_factory=dict)
    """Model → the files of its repository on the Hugging Face hub that are known."""

    @classmethod
    def installed(cls) -> Released:
        folder = package_folder("demucs")
        return cls(None if folder is None else folder / "remote", pins=PINS)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the bags, the plain Hybrid Transformer models first."""
        if self.folder is None:
            return ()
        names = (path.stem for path in self.folder.glob("*.yaml"))
        return tuple(sorted(names, key=lambda name: (not name.startswith("htdemucs"), name.startswith("repro_"), name)))

    def bag(self, name: str) -> Bag | None:
        if self.folder is None or name not in self.names:
            return None
        return read_bag(self.folder / f"{name}.yaml")

    @cached_property
    def urls(self) -> Mapping[str, str]:
        """Signature → URL of its checkpoint on the authors' server; the file name ends with the checksum."""
        if self.folder is None:
            return {}
        urls: dict[str, str] = {}
        root = ""
        for line in (self.folder / "files.txt").read_text(encoding="utf-8").splitlines():
            entry = line.strip()
            if entry.startswith("root:"):
                root = entry.removeprefix("root:").strip()
            elif entry and not entry.startswith("#"):
                urls[entry.split("-", 1)[0]] = f"{self.server_url}{root}{entry}"
        return urls
