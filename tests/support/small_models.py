"""Tiny Demucs models, saved and loaded through the package's own code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from demucs.apply import BagOfModels, apply_model
from demucs.demucs import Demucs
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from demucs.states import get_state, save_with_checksum
from safetensors.torch import save_file

from bridge.separation.families.table import EngineFamilies
from bridge.separation.models.demucs_bags import Released
from bridge.separation.models.locations import ModelLocations
from bridge.separation.models.weights import Weights
from bridge.separation.networks.torch_network import torch_networks
from bridge.separation.windowed.engine import WindowedSeparator

if TYPE_CHECKING:
    from bridge.protocols import Samples, Separator, StemBlock

SOURCES = ["drums", "bass", "other", "vocals"]
RATE_HZ = 8000

_ARGUMENTS: dict[str, tuple[type, dict[str, Any]]] = {
    "transformer": (
        HTDemucs,
        {"channels": 8, "bottom_channels": 8, "t_heads": 2, "t_layers": 1, "nfft": 1024, "depth": 4, "segment": 1},
    ),
    "hybrid": (HDemucs, {"channels": 8, "segment": 1}),
    "waveform": (Demucs, {"channels": 8, "depth": 3, "segment": 1}),
}


def small_model(kind: str, seed: int = 0, **changes: Any) -> Any:
    """A `transformer`, `hybrid` or `waveform` model with random weights, in evaluation mode."""
    klass, arguments = _ARGUMENTS[kind]
    torch.manual_seed(seed)
    return klass(**{"sources": SOURCES, "samplerate": RATE_HZ, **arguments, **changes}).eval()


def save_model(folder: Path, signature: str, model: Any) -> Path:
    """Writes `SIGNATURE-checksum.th` like the authors' training; returns its path."""
    args, kwargs = model._init_args_kwargs
    package = {
        "klass": type(model),
        "args": args,
        "kwargs": kwargs,
        "state": get_state(model, None),  # type: ignore[no-untyped-call]
        "training_args": {},
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_with_checksum(package, folder / f"{signature}.th")  # type: ignore[no-untyped-call]
    return next(folder.glob(f"{signature}-*.th"))


def save_htdemucs(folder: Path) -> Path:
    """Saves a small model under the name of the released htdemucs; returns the checkpoint's path."""
    path = save_model(folder, "955717e8", small_model("transformer"))
    (folder / "htdemucs.yaml").write_text("models: ['955717e8']\n", encoding="utf-8")
    return path


def save_safetensors(path: Path, model: Any) -> Path:
    """Writes a model like the authors' export for the Hugging Face hub."""
    args, kwargs = model._init_args_kwargs
    metadata = {
        "klass": f"{type(model).__module__}.{type(model).__name__}",
        "args": json.dumps(args),
        "kwargs": json.dumps(kwargs),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), path, metadata)
    return path


@dataclass(frozen=True)
class ModelFolders(ModelLocations):
    """Model locations, and the engine families that search them."""

    released: Released | None = None
    """Stands in for the table of the installed demucs package."""

    @property
    def families(self) -> EngineFamilies:
        return EngineFamilies.at(self, self.released)

    def find(self, name: str) -> Weights | None:
        return self.families.find(name)


def locations_in(folder: Path) -> ModelFolders:
    """Model locations that are all inside a test's folder."""
    return ModelFolders(folder / "models", folder / "hub", folder / "server")


def noise(frames: int, seed: int = 0, level: float = 0.2) -> Samples:
    random = np.random.default_rng(seed)
    return (random.standard_normal((frames, 2)) * level).astype(np.float32)


def separator_of(bag: BagOfModels, *, stock_plan: bool = False) -> WindowedSeparator:
    """A `WindowedSeparator` of a bag, on torch and the CPU."""
    return WindowedSeparator("m", torch_networks("m", bag, "cpu"), bag.weights, stock_plan=stock_plan)


def by_demucs(bag: BagOfModels, mix: Samples) -> StemBlock:
    """The stems that `demucs` itself computes without shifts, normalised as in its `api.Separator`."""
    wave = torch.from_numpy(mix.T.copy())
    reference = wave.mean(0)
    mean, deviation = reference.mean(), reference.std() + 1e-8
    with torch.no_grad():
        estimate = apply_model(bag, ((wave - mean) / deviation)[None], shifts=0, split=True, overlap=0.25)[0]
    whole = estimate * deviation + mean
    return {stem: whole[index].T.numpy() for index, stem in enumerate(bag.sources)}


def joined(blocks: Sequence[StemBlock], separator: Separator) -> dict[str, Samples]:
    """The concatenated blocks of one run."""
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in separator.stems}
