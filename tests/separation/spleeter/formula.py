"""One U-Net written down as in the papers, in numpy and double precision, without regard to speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.separation.spleeter.checkpoints import Arrays

    Array = npt.NDArray[np.float64]


def estimate(arrays: Arrays, magnitudes: Array) -> Array:
    """float64 (2, columns, bins) → the same; `arrays` as in the checkpoint."""

    def array(name: str) -> Array:
        return arrays[name].astype(np.float64)

    def normed(flow: Array, name: str) -> Array:
        mean, variance = array(f"{name}.running_mean"), array(f"{name}.running_var")
        scaled = (flow - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-3)
        return scaled * array(f"{name}.weight")[:, None, None] + array(f"{name}.bias")[:, None, None]

    flow, skipped = magnitudes, []
    for number in range(1, 7):
        padded = np.pad(flow, ((0, 0), (1, 2), (1, 2)))
        kernel, bias = array(f"down{number}_conv.1.weight"), array(f"down{number}_conv.1.bias")
        flow = convolved(padded, kernel, step=2) + bias[:, None, None]
        skipped.append(flow)
        if number < 6:
            flow = normed(flow, f"down{number}_act.0")
            flow = np.where(flow > 0, flow, 0.2 * flow)
    flow = skipped.pop()
    for number in range(1, 7):
        kernel, bias = array(f"up{number}.0.weight"), array(f"up{number}.0.bias")
        flow = spread(flow, kernel)[:, 1:-2, 1:-2] + bias[:, None, None]
        flow = normed(np.maximum(flow, 0), f"up{number}.3")
        if skipped:
            flow = np.concatenate([skipped.pop(), flow])
    padded = np.pad(flow, ((0, 0), (3, 3), (3, 3)))
    flow = convolved(padded, array("up7.0.weight"), spacing=2) + array("up7.0.bias")[:, None, None]
    mask: Array = 1 / (1 + np.exp(-flow))
    return mask * magnitudes


def convolved(flow: Array, kernel: Array, *, step: int = 1, spacing: int = 1) -> Array:
    """out(o, t, f) = Σ kernel(o, i, u, v) · flow(i, step·t + spacing·u, step·f + spacing·v), without margins."""
    size = kernel.shape[2]
    rows, columns = ((length - spacing * (size - 1) - 1) // step + 1 for length in flow.shape[1:])
    total = np.zeros((len(kernel), rows, columns))
    for u in range(size):
        for v in range(size):
            part = flow[:, spacing * u :, spacing * v :][:, : step * rows : step, : step * columns : step]
            total += np.einsum("oi,itf->otf", kernel[:, :, u, v], part)
    return total


def spread(flow: Array, kernel: Array) -> Array:
    """The transposed convolution with step 2: each input adds its kernel, (in, out, 5, 5), to the output."""
    _, rows, columns = flow.shape
    total = np.zeros((kernel.shape[1], 2 * rows + 3, 2 * columns + 3))
    for u in range(5):
        for v in range(5):
            total[:, u : u + 2 * rows : 2, v : v + 2 * columns : 2] += np.einsum(
                "io,itf->otf", kernel[:, :, u, v], flow
            )
    return total
