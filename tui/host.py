"""What the screen needs of the program that opens it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from bridge.model import JobRequest
from bridge.protocols import Bridge


class ScreenHost(Protocol):
    """A bridge that runs, and where its clients reach it."""

    @property
    def bridge(self) -> Bridge: ...

    @property
    def address(self) -> str:
        """As `osc.udp://127.0.0.1:9720`."""
        ...

    def request(self, source: str) -> JobRequest:
        """A job for this file with what the settings say; raises BadArguments where that is no path."""
        ...


#: Starts a bridge inside the running event loop and ends it on leaving, both in one task.
#: Entering raises BridgeError where the bridge cannot start.
OpenBridge: TypeAlias = Callable[[], AbstractAsyncContextManager[ScreenHost]]
