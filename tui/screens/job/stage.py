"""What the parts of an opened job's screen need of it."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AbstractContextManager
from typing import Any, Protocol

from tui.screens.job.state import JobState


class Stage(Protocol):
    """Holds the state; only here does it change."""

    @property
    def state(self) -> JobState: ...

    def show(self, state: JobState) -> None:
        """Shows another state."""
        ...

    def tell(self, words: str, level: str) -> None:
        """Shows a line; `level` as in the log."""
        ...

    def telling_refusals(self) -> AbstractContextManager[None]:
        """Shows a BridgeError of the block in place; the block ends there."""
        ...

    def start(self, work: Coroutine[Any, Any, None], group: str, *, exclusive: bool = False) -> None:
        """Runs work beside the screen, until the screen closes; `exclusive` ends what its group does before."""
        ...
