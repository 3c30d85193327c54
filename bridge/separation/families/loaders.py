"""Loads weights, released ones and the user's, into a separator. What needs torch is imported here and not before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.separation.models.weights import LoadedModel, Weights
from bridge.separation.names import GOOD
from bridge.separation.networks.fallback import out_of_memory_warning

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.protocols import Control
    from bridge.separation.models.demucs_bags import Bag
    from bridge.separation.spleeter.unet import UNet


def demucs_weights(name: str, bag: Bag, files: tuple[Path, ...]) -> Weights:
    """A bag of Demucs networks, one file each."""
    return Weights(name, bag, files, load_demucs, is_convertible=True)


def load_demucs(weights: Weights, device: str, control: Control) -> LoadedModel:
    """A bag of Demucs networks; warns `control` if they do not fit on `device`.

    Raises:
        WeightsUnavailable, OutOfMemory, EngineFailed, Cancelled: as `loading.load_bag` and `TorchNetwork`.
    """
    from bridge.separation.models.loading import load_bag
    from bridge.separation.networks.torch_network import torch_networks
    from bridge.separation.windowed.engine import WindowedSeparator

    networks = tuple(torch_networks(weights.name, load_bag(weights, control), device))
    separator = WindowedSeparator(weights.name, networks, weights.bag.weights)
    loaded = LoadedModel(weights, "torch", device, networks, separator)
    if loaded.is_displaced:
        control.warn(out_of_memory_warning(weights.name, device))
    return loaded


def load_openunmix(weights: Weights, device: str, control: Control) -> LoadedModel:
    """The targets of an Open-Unmix model; their names are the signatures of the bag.

    Raises:
        WeightsUnavailable, OutOfMemory, EngineFailed, Cancelled: as `unmix_network.load_unmix`.
    """
    from bridge.separation.networks.unmix_network import load_unmix
    from bridge.separation.windowed.engine import WindowedSeparator

    network = load_unmix(weights, device, control)
    separator = WindowedSeparator(weights.name, (network,), normalises=False)
    return LoadedModel(weights, "torch", device, (network,), separator)


@dataclass(frozen=True)
class SpleeterLoader:
    """Loads Spleeter's two networks; their names are the signatures of the bag."""

    conversions: Path | None
    """The folder for the checkpoints as safetensors; None: they are unpickled each time."""

    def __call__(self, weights: Weights, device: str, control: Control) -> LoadedModel:
        """The engine `spleeter`, or its vocals above `draft`; warns if the networks do not fit on `device`.

        Raises:
            WeightsUnavailable, OutOfMemory, EngineFailed, Cancelled: as `load_arrays` and `open_unet`.
        """
        from bridge.separation.draft.engine import DraftSeparator
        from bridge.separation.layered import LayeredSeparator
        from bridge.separation.spleeter.conversion import load_arrays
        from bridge.separation.spleeter.engine import SpleeterSeparator
        from bridge.separation.spleeter.layers import read_layers
        from bridge.separation.spleeter.unet import open_unet

        networks: list[UNet] = []
        for file, network in zip(weights.files, weights.bag.signatures, strict=True):
            control.checkpoint(len(networks) / len(weights.files))
            layers = read_layers(load_arrays(file, network, self.conversions), network)
            networks.append(open_unet(weights.name, layers, device))
        spleeter = SpleeterSeparator(*networks)
        separator = LayeredSeparator(GOOD, spleeter, DraftSeparator()) if weights.name == GOOD else spleeter
        loaded = LoadedModel(weights, networks[0].backend, device, (), separator)
        if loaded.is_displaced:
            control.warn(out_of_memory_warning(weights.name, device))
        control.checkpoint(1.0)
        return loaded
