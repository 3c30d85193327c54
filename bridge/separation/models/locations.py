"""Finds the files of a model's weights on this machine, without loading them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.errors import WeightsUnavailable
from bridge.separation.models.demucs_bags import Bag, Released, read_bag
from bridge.separation.models.openunmix import NAMES, SEPARATOR, Unmix, read_unmix_folder
from bridge.separation.models.user_models import checkpoints_in, model_folders, read_folder


@dataclass(frozen=True)
class Weights:
    """The files of one model, all present; one per entry of `bag.signatures`."""

    name: str
    bag: Bag
    files: tuple[Path, ...]
    package: Literal["demucs", "openunmix"] = "demucs"
    """The package that computes the model; for `openunmix` the signatures are target names."""


def hub_repository(name: str) -> str:
    """The Hugging Face repository of a released model (named as in `demucs.hf.hf_repo_name`)."""
    if name == "htdemucs":
        return "adefossez/HTDemucs"
    if name.startswith("htdemucs_"):
        return "adefossez/HTDemucs-" + name.removeprefix("htdemucs_")
    return "adefossez/Demucs-" + name


@dataclass(frozen=True)
class ModelLocations:
    """The folders that are searched for weights, in this order."""

    models_dir: Path
    """The user's folder: checkpoints and `*.yaml` bags, as for `demucs --repo`, and subfolders with one model each."""
    hub_cache: Path
    """Hugging Face's cache."""
    server_cache: Path
    """torch.hub's cache of files from the authors' servers."""
    released: Released
    unmix: Unmix | None = None
    """The released Open-Unmix models; None: they are not offered."""

    @classmethod
    def of(cls, models_dir: Path, environ: Mapping[str, str] = os.environ) -> ModelLocations:
        """The locations that huggingface_hub and torch.hub use in the same environment."""

        def folder(text: str) -> Path:
            return Path(os.path.expandvars(text)).expanduser()

        cache = folder(environ.get("XDG_CACHE_HOME", "~/.cache"))
        hub_home = folder(environ.get("HF_HOME", str(cache / "huggingface")))
        hub_cache = environ.get("HF_HUB_CACHE", environ.get("HUGGINGFACE_HUB_CACHE", str(hub_home / "hub")))
        torch_home = folder(environ.get("TORCH_HOME", str(cache / "torch")))
        return cls(
            models_dir, folder(hub_cache), torch_home / "hub" / "checkpoints", Released.installed(), Unmix.installed()
        )

    def user_checkpoints(self) -> dict[str, Path]:
        """Signature → file of every checkpoint directly in the user's folder."""
        return checkpoints_in(self.models_dir) if self.models_dir.is_dir() else {}

    def user_bags(self) -> tuple[str, ...]:
        """Names of the models in the user's folder that have a `.yaml` definition or a subfolder."""
        if not self.models_dir.is_dir():
            return ()
        defined = (path.stem for path in sorted(self.models_dir.glob("*.yaml")))
        return tuple(dict.fromkeys((*defined, *model_folders(self.models_dir))))

    def find(self, name: str) -> Weights | None:
        """The weights of `name` if all files are on this machine; None if they must be downloaded.

        Raises:
            WeightsUnavailable: the user's definition of `name` is damaged, or names checkpoints that do not exist.
        """
        return (
            self._find_in_models_dir(name)
            or self._find_in_hub_cache(name)
            or self._find_in_server_cache(name)
            or self._find_unmix(name)
        )

    def _find_in_models_dir(self, name: str) -> Weights | None:
        checkpoints = self.user_checkpoints()
        if name in checkpoints:
            return Weights(name, Bag((name,)), (checkpoints[name],))
        is_user_defined = (self.models_dir / f"{name}.yaml").is_file()
        if not is_user_defined and name in model_folders(self.models_dir):
            folder = self.models_dir / name
            if (folder / SEPARATOR).is_file():
                return Weights(name, *read_unmix_folder(folder), "openunmix")
            return Weights(name, *read_folder(folder))
        bag = read_bag(self.models_dir / f"{name}.yaml") if is_user_defined else self.released.bag(name)
        if bag is None:
            return None
        missing = [signature for signature in bag.signatures if signature not in checkpoints]
        if not missing:
            return Weights(name, bag, tuple(checkpoints[signature] for signature in bag.signatures))
        if is_user_defined and name not in self.released.names:
            raise WeightsUnavailable(
                f"The model {name} in {self.models_dir} lacks {', '.join(f'{signature}.th' for signature in missing)}.",
                advice="Put the missing files beside its .yaml.",
            )
        return None

    def hub_folder(self, name: str) -> Path:
        """The folder of a released model's repository in Hugging Face's cache."""
        return self.hub_cache / ("models--" + hub_repository(name).replace("/", "--"))

    def hub_snapshot(self, name: str) -> Path | None:
        """The folder of the newest downloaded version of a released model in Hugging Face's cache."""
        repository = self.hub_folder(name)
        try:
            commit = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return repository / "snapshots" / commit

    def _find_in_hub_cache(self, name: str) -> Weights | None:
        snapshot = self.hub_snapshot(name) if name in self.released.names else None
        if snapshot is None or not (snapshot / f"{name}.yaml").is_file():
            return None
        bag = read_bag(snapshot / f"{name}.yaml")
        files = tuple(snapshot / f"{signature}.safetensors" for signature in bag.signatures)
        return Weights(name, bag, files) if all(path.is_file() for path in files) else None

    def _find_in_server_cache(self, name: str) -> Weights | None:
        bag = self.released.bag(name)
        if bag is None or any(signature not in self.released.urls for signature in bag.signatures):
            return None
        files = tuple(self.server_file(signature) for signature in bag.signatures)
        return Weights(name, bag, files) if all(path.is_file() for path in files) else None

    def _find_unmix(self, name: str) -> Weights | None:
        files = self.unmix.files(name, self.server_cache) if self.unmix else {}
        if not files or not all(path.is_file() for path in files.values()):
            return None
        return Weights(name, Bag(tuple(files)), tuple(files.values()), "openunmix")

    @property
    def unmix_names(self) -> tuple[str, ...]:
        """Names of the released Open-Unmix models, whether or not their package is installed."""
        return NAMES if self.unmix is not None else ()

    def server_file(self, signature: str) -> Path:
        return self.server_cache / self.released.urls[signature].rsplit("/", 1)[-1]
