"""The seam between the engine and what computes a model's network: torch, or OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bridge.errors import EngineFailed, OutOfMemory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    #: float32, shape (channels, frames): how the networks want a window.
    Planes: TypeAlias = npt.NDArray[np.float32]
    #: float32, shape (sources, channels, frames).
    Estimate: TypeAlias = npt.NDArray[np.float32]

#: What torch, the libraries below it and OpenVINO say when memory is short, in small letters; they have no exception of
#: their own for it on every device.
_MEMORY_SIGNS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "failed to allocate memory",
    "exceeded max size of memory",
    "bad_alloc",
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "out_of_memory",  # CUDA_ERROR_OUT_OF_MEMORY
    "out_of_host_memory",  # CL_OUT_OF_HOST_MEMORY, ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY
    "out_of_device_memory",
)


class Network(Protocol):
    """One model of a bag, ready to estimate its sources in one window."""

    @property
    def sources(self) -> tuple[str, ...]: ...

    @property
    def sample_rate_hz(self) -> int: ...

    @property
    def segment_frames(self) -> int:
        """Length of a window."""
        ...

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`."""
        ...

    def input_frames(self, length: int) -> int:
        """How much audio it must be shown for `length` frames of estimate (`length` ≤ `segment_frames`)."""
        ...

    def prepare(self) -> None:
        """Does what the first window would otherwise wait for.

        Raises:
            EngineFailed, OutOfMemory: as `estimate`.
        """
        ...

    def estimate(self, audio: Planes) -> Estimate:
        """Takes one window of stereo audio of mean 0 and deviation 1 (about) apart.

        Raises:
            EngineFailed, OutOfMemory: it could not do its work.
        """
        ...

    def identity(self) -> str:
        """A hash of the weights, 16 hexadecimal digits, the same for every back-end."""
        ...


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Turns what a back-end raises into the bridge's errors."""
    try:
        yield
    except MemoryError as exc:
        raise OutOfMemory(f"The model {name} ran out of memory.") from exc
    except RuntimeError as exc:
        text = str(exc)
        if any(sign in text.lower() for sign in _MEMORY_SIGNS):
            raise OutOfMemory(f"The model {name} ran out of memory.") from exc
        raise EngineFailed(f"The model {name} failed: {text.splitlines()[0] if text else type(exc).__name__}") from exc
    except (AssertionError, ImportError, IndexError, OSError, TypeError, ValueError) as exc:
        raise EngineFailed(f"The model {name} failed: {type(exc).__name__} {exc}") from exc
