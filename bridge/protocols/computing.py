"""The seam of what computes jobs: this machine's worker, or the machines of a farm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bridge.events import Ended, JobEvent, LiveNotes
from bridge.request import JobRequest


class JobComputer(Protocol):
    """Computes jobs, several at once where it can.

    The same request computed twice gives the same files, and only one set of them.
    """

    @property
    def slots(self) -> int:
        """How many jobs it should be given at once; 0: none now. It changes as machines join and leave."""
        ...

    @property
    def problem(self) -> str:
        """Why jobs wait now, such as a farm that cannot be reached: a sentence. Empty: they do not."""
        ...

    async def compute(self, job: str, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        """Computes one job to its end; its files are then where the request asks for them.

        `on_event` gets every event of the job but the last, which is returned, and what can be played of a job that
        plays live; its previews are left out where another machine computes. A job that fails by itself, also one
        that kills the process which computes it, ends as `failed` and disturbs no other. Cancelling the task cancels
        the job.

        Raises:
            EngineFailed: nothing computes any more, such as a farm that has gone; nothing half-written is left.
        """
        ...

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Calls `on_change` each time that `slots` or `problem` has changed; returns a function that ends it."""
        ...

    async def close(self) -> None:
        """Ends what it has started; jobs that are not over are abandoned without half-written files."""
        ...
