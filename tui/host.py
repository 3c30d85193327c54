"""What the program that opens the screen provides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bridge.protocols import Bridge
from bridge.protocols.hearing import Hearing
from bridge.request import JobRequest


class ScreenHost(Protocol):
    """A running bridge and the address for its clients."""

    @property
    def is_attached(self) -> bool:
        """Whether the bridge runs in another process, and goes on when this screen ends."""
        ...

    async def until_ended(self) -> None:
        """Returns when the bridge is to be closed, because another program has asked for that.

        Raises:
            BridgeError: an attached bridge has ended, and why.
        """
        ...

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
    def bell(self) -> str:
        """For what the terminal's bell rings: `off`, `failed` or `all`."""
        ...

    @property
    def defaults(self) -> JobRequest:
        """What a job is asked for where nothing is said: by the settings, for no file."""
        ...

    @property
    def hearing(self) -> Hearing:
        """The output of the machine that the screen is on."""
        ...

    async def request(self, source: str, options: Mapping[str, object] | None = None) -> JobRequest:
        """A job for this file with these options, by their names; the defaults are those of the settings.

        Raises:
            BadArguments: `source` is not a path, or an option is out of range.
            NotReadable: the drive of the current folder does not answer.
        """
        ...


#: Starts a bridge inside the running event loop on entering and closes it on exit, both in one task; or attaches to
#: one and leaves it.
#: Entering raises BridgeError where the bridge cannot start.
OpenBridge: TypeAlias = Callable[[], AbstractAsyncContextManager[ScreenHost]]


@dataclass(frozen=True)
class WaysBack:
    """What a screen can do when its bridge has gone."""

    start: OpenBridge
    """Starts a bridge in this process."""
    wait: OpenBridge
    """Attaches to a bridge as soon as there is one."""
