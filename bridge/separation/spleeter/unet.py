"""The protocol between the engine and a back-end that computes one U-Net, and the choice of the back-end."""

from __future__ import annotations

import logging
import platform
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bridge.errors import EngineFailed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bridge.separation.models.weights import Backend
    from bridge.separation.spleeter.layers import UNetLayers

    #: float32, shape (channels, columns, bins); columns and bins are multiples of `layers.GRID`.
    Magnitudes: TypeAlias = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


class UNet(Protocol):
    """One network, ready to compute."""

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`."""
        ...

    @property
    def backend(self) -> Backend: ...

    def estimate(self, magnitudes: Magnitudes) -> Magnitudes:
        """The magnitudes of the network's source, of the same shape.

        Raises:
            EngineFailed, OutOfMemory: the computation failed.
        """
        ...


def open_unet(name: str, layers: UNetLayers, device: str) -> UNet:
    """The network on the fastest back-end: OpenVINO on the CPU where it is installed, otherwise torch.

    Raises:
        EngineFailed, OutOfMemory: it cannot be loaded onto `device`.
    """
    if device == "cpu" and _has_openvino():
        from bridge.separation.spleeter.openvino_unet import OpenVinoUNet

        try:
            return OpenVinoUNet(name, layers)
        except EngineFailed as error:
            log.warning("computing %s with torch: %s", name, error)
    from bridge.separation.spleeter.torch_unet import TorchUNet

    return TorchUNet(name, layers, device)


def _has_openvino() -> bool:
    """On other processors than Intel's and AMD's nobody has measured it (docs/decisions/0021)."""
    return platform.machine().lower() in ("x86_64", "amd64") and find_spec("openvino") is not None
