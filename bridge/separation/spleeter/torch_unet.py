"""A U-Net on torch, on any of its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional

from bridge.separation.networks.base import translate_errors
from bridge.separation.networks.movable_model import MovableModel
from bridge.separation.spleeter import layers as unet

if TYPE_CHECKING:
    from bridge.separation.spleeter.layers import Layer, UNetLayers
    from bridge.separation.spleeter.unet import Magnitudes


class TorchUNet:
    """One network in torch's eager mode; moves to the CPU if a graphics processor has too little memory."""

    backend: Literal["torch"] = "torch"

    def __init__(self, name: str, layers: UNetLayers, device: str) -> None:
        """Raises OutOfMemory, EngineFailed: it fits on no device, or the device failed."""
        self._name = name
        with translate_errors(name):
            self._module = _Module(layers)
        self._movable = MovableModel(name, self._module, device)

    @property
    def device(self) -> str:
        return self._movable.device

    def estimate(self, magnitudes: Magnitudes) -> Magnitudes:
        return self._movable.run(lambda: self._compute(magnitudes))

    def _compute(self, magnitudes: Magnitudes) -> Magnitudes:
        with translate_errors(self._name), torch.inference_mode():
            estimate: Magnitudes = self._module(torch.from_numpy(magnitudes)[None].to(self.device))[0].cpu().numpy()
        return estimate


class _Module(torch.nn.Module):
    def __init__(self, layers: UNetLayers) -> None:
        super().__init__()
        self.down = torch.nn.ModuleList(map(_Arrays, layers.down))
        self.up = torch.nn.ModuleList(map(_Arrays, layers.up))
        self.last = _Arrays(layers.last)

    def forward(self, magnitudes: torch.Tensor) -> torch.Tensor:
        """float32 (batch, channels, columns, bins) → the same."""
        around, skipped = [unet.BEFORE, unet.AFTER] * 2, []
        flow = magnitudes
        for layer in self.down:
            assert isinstance(layer, _Arrays)
            flow = functional.conv2d(functional.pad(flow, around), layer.kernel, layer.bias, unet.STRIDE)
            skipped.append(flow)
            flow = functional.leaky_relu(layer.normed(flow), unet.LEAK)
        flow = skipped.pop()
        inside = slice(unet.BEFORE, -unet.AFTER)
        for layer in self.up:
            assert isinstance(layer, _Arrays)
            flow = functional.conv_transpose2d(flow, layer.kernel, layer.bias, unet.STRIDE)[..., inside, inside]
            flow = layer.normed(functional.relu(flow))
            if skipped:
                flow = torch.cat([skipped.pop(), flow], dim=1)
        last = self.last
        flow = functional.conv2d(flow, last.kernel, last.bias, padding=unet.LAST_MARGIN, dilation=unet.LAST_DILATION)
        return torch.sigmoid(flow) * magnitudes


class _Arrays(torch.nn.Module):
    """The arrays of a layer as buffers, which move with their module."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.kernel: torch.Tensor
        self.bias: torch.Tensor
        self.scale: torch.Tensor | None
        self.shift: torch.Tensor | None
        self.register_buffer("kernel", torch.from_numpy(layer.kernel))
        self.register_buffer("bias", torch.from_numpy(layer.bias))
        per_channel = (-1, 1, 1)
        for name, values in (("scale", layer.scale), ("shift", layer.shift)):
            self.register_buffer(name, None if values is None else torch.from_numpy(values).reshape(per_channel))

    def normed(self, flow: torch.Tensor) -> torch.Tensor:
        return flow if self.scale is None or self.shift is None else flow * self.scale + self.shift
