"""Ports without a back-end, so that the player's loop can be measured on a machine that has none.

No setting selects them: only the code that starts the player's process can, with `PortLayout(backend=SILENT)`.
"""

from __future__ import annotations

from collections.abc import Sequence

SILENT = "silent"


class SilentOutput:
    """A port that discards every message."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def ahead_ns(self) -> int:
        return 0

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        """Discards it."""

    def take_back(self) -> None:
        """Does nothing: messages do not wait here."""

    def close(self) -> None:
        """Does nothing: nothing is open."""
