"""A U-Net on OpenVINO, on the CPU. Its graph is built from the arrays themselves, so it needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bridge.separation.networks.base import translate_errors
from bridge.separation.networks.openvino_runtime import compiled_for_cpu
from bridge.separation.spleeter import layers as unet

if TYPE_CHECKING:
    from bridge.separation.spleeter.layers import Array, Layer, UNetLayers
    from bridge.separation.spleeter.unet import Magnitudes


class OpenVinoUNet:
    """One network, compiled for this CPU, for any number of columns."""

    backend: Literal["openvino"] = "openvino"
    device = "cpu"

    def __init__(self, name: str, layers: UNetLayers) -> None:
        """Raises OutOfMemory, EngineFailed: OpenVINO cannot compile it."""
        self._name = name
        with translate_errors(name):
            self._request: Any = compiled_for_cpu(_graph(layers))

    def estimate(self, magnitudes: Magnitudes) -> Magnitudes:
        with translate_errors(self._name):
            outputs = self._request.infer([magnitudes[None]], share_inputs=True, share_outputs=True)
            estimate: Magnitudes = outputs[0][0].copy()  # the next call writes into the same memory
        return estimate


def _graph(layers: UNetLayers) -> Any:
    from openvino import Model, PartialShape, opset13
    from openvino import Type as ElementType

    around, last = ([unet.BEFORE] * 2, [unet.AFTER] * 2), [unet.LAST_MARGIN] * 2

    def per_channel(values: Array) -> Any:
        return opset13.constant(values.reshape(1, -1, 1, 1))

    def normed(flow: Any, layer: Layer) -> Any:
        if layer.scale is None or layer.shift is None:
            return flow
        return opset13.add(opset13.multiply(flow, per_channel(layer.scale)), per_channel(layer.shift))

    def constant(kernel: Array) -> Any:
        return opset13.constant(np.ascontiguousarray(kernel))

    magnitudes = opset13.parameter(PartialShape([1, unet.CHANNELS, -1, -1]), ElementType.f32)
    strides, dense = [unet.STRIDE] * 2, [1, 1]
    flow, skipped = magnitudes, []
    for layer in layers.down:
        flow = opset13.convolution(flow, constant(layer.kernel), strides, *around, dense)
        flow = opset13.add(flow, per_channel(layer.bias))
        skipped.append(flow)
        flow = opset13.prelu(normed(flow, layer), opset13.constant(np.array([unet.LEAK], np.float32)))
    flow = skipped.pop()
    for layer in layers.up:
        # A transposed convolution and its bias, without the margin that the padding of the convolution has added.
        flow = opset13.convolution_backprop_data(
            flow, constant(layer.kernel), strides, pads_begin=around[0], pads_end=around[1], dilations=dense
        )
        flow = opset13.relu(opset13.add(flow, per_channel(layer.bias)))
        flow = normed(flow, layer)
        if skipped:
            flow = opset13.concat([skipped.pop(), flow], 1)
    flow = opset13.convolution(flow, constant(layers.last.kernel), dense, last, last, [unet.LAST_DILATION] * 2)
    flow = opset13.sigmoid(opset13.add(flow, per_channel(layers.last.bias)))
    return Model([opset13.multiply(flow, magnitudes)], [magnitudes], "unet")
