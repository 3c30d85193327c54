"""Loads Demucs and Open-Unmix weights, released ones and the user's, into a separator that torch computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.separation.models.weights import LoadedModel, Weights
from bridge.separation.networks.fallback import out_of_memory_warning

if TYPE_CHECKING:
    from bridge.protocols import Control


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
