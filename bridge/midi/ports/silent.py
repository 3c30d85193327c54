"""Ports that nobody hears, so that the player's loop can be measured on a machine without any MIDI back-end.

No setting asks for them: only whoever starts the player's process can, with `PortLayout(backend=SILENT)`.
"""

from __future__ import annotations

from collections.abc import Sequence

SILENT = "silent"


class SilentOutput:
    """A port that takes everything and does nothing."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def ahead_ns(self) -> int:
        return 0

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        """Drops it."""

    def take_back(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open."""
