"""The protocol between the separation engine and the back-end that computes a network: torch or OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bridge.errors import EngineFailed, OutOfMemory
from bridge.system.memory import is_out_of_memory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    #: One window, as the networks take it: float32, shape (channels, frames).
    Planes: TypeAlias = npt.NDArray[np.float32]
    #: float32, shape (sources, channels, frames).
    Estimate: TypeAlias = npt.NDArray[np.float32]


class Network(Protocol):
    """One model of a bag, ready to estimate its sources in one window."""

    @property
    def sources(self) -> tuple[str, ...]: ...

    @property
    def sample_rate_hz(self) -> int: ...

    @property
    def window_frames(self) -> int:
        """Window length in frames."""
        ...

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`."""
        ...

    def input_frames(self, length: int) -> int:
        """Frames of input needed to estimate `length` frames (`length` ≤ `window_frames`)."""
        ...

    def prepare(self) -> None:
        """Does one-time work, such as compiling, before the first window.

        Raises:
            EngineFailed, OutOfMemory: as `estimate`.
        """
        ...

    def estimate(self, audio: Planes) -> Estimate:
        """Estimates the sources in one window of stereo audio with mean 0 and standard deviation 1, approximately.

        Raises:
            EngineFailed, OutOfMemory: the computation failed.
        """
        ...

    def identity(self) -> str:
        """A hash of the weights: 16 hexadecimal digits, the same for every back-end."""
        ...


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Turns a back-end's exceptions into the bridge's errors."""
    try:
        yield
    except MemoryError as exc:
        raise OutOfMemory(f"The model {name} ran out of memory.") from exc
    except RuntimeError as exc:
        if is_out_of_memory(exc):
            raise OutOfMemory(f"The model {name} ran out of memory.") from exc
        text = str(exc)
        raise EngineFailed(f"The model {name} failed: {text.splitlines()[0] if text else type(exc).__name__}") from exc
    except (AssertionError, ImportError, IndexError, OSError, TypeError, ValueError) as exc:
        if is_out_of_memory(exc):
            raise OutOfMemory(f"The model {name} ran out of memory.") from exc
        raise EngineFailed(f"The model {name} failed: {type(exc).__name__} {exc}") from exc
