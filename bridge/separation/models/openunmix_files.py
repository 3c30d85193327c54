"""Finds Open-Unmix models: the released ones, from the package's files without importing it, and users' folders."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bridge.errors import WeightsUnavailable
from bridge.separation.models.demucs_bags import Bag
from bridge.system.packages import package_folder
from bridge.wording import adding_extra

#: The released models for stereo songs at 44.1 kHz; `umx` is an older `umxhq`, and `umxse` is for speech.
NAMES = ("umxhq", "umxl")
#: The file with the STFT parameters, beside the targets' files in the folder of a user's model.
SEPARATOR = "separator.json"
INSTALL = f"{adding_extra('umx')} Or use another engine."


@dataclass(frozen=True)
class Unmix:
    """The released models. Without the package, only their names are known."""

    folder: Path | None
    """The folder of the package."""

    @classmethod
    def installed(cls) -> Unmix:
        return cls(package_folder("openunmix"))

    @cached_property
    def urls(self) -> Mapping[str, Mapping[str, str]]:
        """Model → target → URL of its weights, from `target_urls` in the package's functions `umxhq_spec` …"""
        if self.folder is None:
            return {}
        module = ast.parse((self.folder / "__init__.py").read_text(encoding="utf-8"))
        found: dict[str, Mapping[str, str]] = {}
        for function in module.body:
            if isinstance(function, ast.FunctionDef) and function.name.removesuffix("_spec") in NAMES:
                for node in function.body:
                    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "target_urls":
                        found[function.name.removesuffix("_spec")] = ast.literal_eval(node.value)
        return found

    def files(self, name: str, folder: Path) -> dict[str, Path]:
        """Target → file of its weights in torch.hub's cache `folder`; the file name ends with the checksum."""
        return {target: folder / url.rsplit("/", 1)[-1] for target, url in self.urls.get(name, {}).items()}


def is_installed() -> bool:
    """True if the package openunmix is installed."""
    return package_folder("openunmix") is not None


def check_installed(name: str) -> None:
    """Raises WeightsUnavailable if the package openunmix is not installed."""
    if not is_installed():
        raise WeightsUnavailable(
            f"The model {name} needs the package openunmix, which is not installed.", advice=INSTALL
        )


def read_unmix_folder(folder: Path) -> tuple[Bag, tuple[Path, ...]]:
    """Reads a model as the package's training writes it: `separator.json`, and a `.json` and a `.pth` per target.

    Raises:
        WeightsUnavailable: the folder has no target, or a target has no weights.
    """
    files: dict[str, Path] = {}
    for description in sorted(folder.glob("*.json")):
        if description.name != SEPARATOR:
            found = [*folder.glob(f"{description.stem}.pth"), *sorted(folder.glob(f"{description.stem}-*.pth"))]
            if not found:
                raise WeightsUnavailable(f"The model {folder.name} in {folder} lacks {description.stem}.pth.")
            files[description.stem] = found[0]
    if not files:
        raise WeightsUnavailable(
            f"The model {folder.name} in {folder} has no targets (files such as vocals.json and vocals.pth)."
        )
    return Bag(tuple(files)), tuple(files.values())
