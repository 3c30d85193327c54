"""The seam between the mix and what it mixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bridge.protocols import Samples


class Voice(Protocol):
    """The sound of one track, at the output's rate."""

    @property
    def frames(self) -> int:
        """Its length; what comes later is silence."""
        ...

    def read(self, start: int, stop: int) -> Samples:
        """Frames `start` to `stop` (0 ≤ start ≤ stop, beyond the end too): float32 (stop - start, 2).

        Raises:
            BridgeError, OSError: its file can no longer be read.
        """
        ...

    def close(self) -> None: ...
