"""What the program that opens the screen provides."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from bridge.protocols import Bridge
from bridge.protocols.hearing import Hearing
from bridge.request import JobRequest


class ScreenHost(Protocol):
    """A running bridge and the address for its clients."""

    @property
    def bridge(self) -> Bridge: ...

    @property
    def address(self) -> str:
        """For example `osc.udp://127.0.0.1:9720`."""
        ...

    @property
    def default_sync(self) -> str:
        """What notes follow by the settings: one of `request.SYNCS`."""
        ...

    @property
    def hearing(self) -> Hearing:
        """The output of the machine that the screen is on."""
        ...

    async def request(self, source: str) -> JobRequest:
        """A job for this file with the defaults of the settings; raises BadArguments where `source` is not a path."""
        ...


#: Starts a bridge inside the running event loop on entering and closes it on exit, both in one task.
#: Entering raises BridgeError where the bridge cannot start.
OpenBridge: TypeAlias = Callable[[], AbstractAsyncContextManager[ScreenHost]]
