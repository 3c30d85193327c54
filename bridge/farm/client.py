"""The main process's client of a farm: jobs go to a process of their own, which holds the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bridge.config import Settings
from bridge.errors import EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes
from bridge.farm.access import certificates_for
from bridge.farm.messages import (
    Abandon,
    ClientReady,
    Compute,
    FarmClientSettings,
    FarmCommand,
    FarmReport,
    GivenUp,
    SongHappened,
    StateChanged,
)
from bridge.farm.values import FarmState
from bridge.processes.child import Child
from bridge.request import JobRequest
from bridge.system.waiting import within

#: How long a song waits for a farm that has gone, unless its owner has more patience or less.
PATIENCE_SECONDS = 60.0
#: Until it is known whether the farm can be reached.
FIRST_STATE_SECONDS = 15.0
#: A cancelled job is over by then, wherever it is computed.
CANCEL_SECONDS = 3.0
#: After this many starts in a row that came to nothing, nothing computes.
MOST_FAILED_STARTS = 3


class FarmComputer:
    """Implements `protocols.computing.JobComputer` with the machines of a farm."""

    def __init__(self, settings: FarmClientSettings) -> None:
        self._running: dict[str, _Running] = {}
        self._watchers: list[Callable[[], None]] = []
        self._state = FarmState(problem="The farm has not answered yet.")
        self._has_state = asyncio.Event()
        self._failed_starts = 0
        self._child: Child[FarmCommand, FarmReport] = Child(
            "bridge.farm",
            FarmReport,
            first=lambda: settings,
            on_report=self._on_report,
            on_exit=self._on_exit,
        )

    @classmethod
    async def open(
        cls,
        address: str,
        settings: Settings,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        is_insecure: bool = False,
        priority: int = 0,
    ) -> FarmComputer:
        """Starts the client process; returns when the farm has answered, or does not.

        Args:
            address: the scheduler's, as `tls://studio:8786`.
            patience_seconds: after this time without a machine, jobs end with `EngineFailed`.
            is_insecure: True: also `tcp://`, where everybody in the network may run programs on the machines.
            priority: jobs of a higher one are begun first, whoever asks for them.

        Raises:
            BadArguments: the address cannot be used, Dask is not installed, or the certificates are missing or expired.
        """
        certificates = certificates_for(address, settings.state_dir, is_insecure=is_insecure)
        computer = cls(
            FarmClientSettings(
                address=address,
                certificates=certificates,
                priority=priority,
                roots=tuple(map(str, settings.roots)),
                cache_dir=str(settings.cache_dir),
                cache_max_bytes=settings.cache_max_bytes,
                patience_seconds=patience_seconds,
            )
        )
        await computer._child.start()
        try:
            with suppress(asyncio.TimeoutError):
                await within(computer._has_state.wait(), FIRST_STATE_SECONDS)
        except asyncio.CancelledError:
            await computer.close()
            raise
        return computer

    @property
    def slots(self) -> int:
        return self._state.slots

    @property
    def problem(self) -> str:
        """See `JobComputer.problem`."""
        return self._state.problem

    @property
    def pid(self) -> int | None:
        """The client process's id; None while there is none."""
        return self._child.pid

    def state(self) -> FarmState:
        """The farm as it was a second ago."""
        return self._state

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """See `JobComputer.watch`."""
        self._watchers.append(on_change)
        return lambda: self._watchers.remove(on_change)

    async def compute(self, job: str, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        """See `JobComputer.compute`."""
        running = self._running[job] = _Running(request, on_event)
        self._child.send(Compute(job=job, request=request))
        try:
            end = await asyncio.shield(running.end)
        except asyncio.CancelledError:
            running.is_abandoned = True
            self._child.send(Abandon(job=job))
            await asyncio.wait({running.end}, timeout=CANCEL_SECONDS)
            raise
        finally:
            del self._running[job]
        if isinstance(end, str):
            raise EngineFailed(end)
        return end

    async def close(self) -> None:
        """See `JobComputer.close`."""
        for running in self._running.values():
            running.over("The farm is not used any more.")
        await self._child.close()

    def _on_report(self, report: FarmReport) -> None:
        match report:
            case ClientReady():
                self._failed_starts = 0
                for job, running in self._running.items():
                    if not running.is_abandoned:
                        self._child.send(Compute(job=job, request=running.request))
            case StateChanged(state=state):
                self._change(state)
            case SongHappened(event=event) if event.job in self._running:
                running = self._running[event.job]
                if isinstance(event, Ended):
                    running.over(event)
                else:
                    running.on_event(event)
            case GivenUp(job=job, reason=reason) if job in self._running:
                self._running[job].over(reason)

    def _on_exit(self, reason: str) -> None:
        self._failed_starts += 1
        if self._failed_starts > MOST_FAILED_STARTS:
            for running in self._running.values():
                running.over(f"The process that talks to the farm does not start ({reason}).")
        self._change(FarmState(problem=f"The process that talks to the farm has ended ({reason}), and starts again."))

    def _change(self, state: FarmState) -> None:
        before, self._state = self._state, state
        self._has_state.set()
        if (state.slots, state.problem) != (before.slots, before.problem):
            for watcher in [*self._watchers]:
                watcher()


class _Running:
    """A job that the farm computes for this process."""

    def __init__(self, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> None:
        self.request = request
        self.on_event = on_event
        self.is_abandoned = False
        self.end: asyncio.Future[Ended | str] = asyncio.get_running_loop().create_future()
        """The job's end, or why nothing computes it any more."""

    def over(self, end: Ended | str) -> None:
        if not self.end.done():
            self.end.set_result(end)
