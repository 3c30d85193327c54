"""Gathers `Connections`: each part of the bridge registers what it can tell when it opens."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bridge.connections.machine import MachineReader
from bridge.connections.pace import queue_end_seconds
from bridge.connections.values import ClientSeen, Connections, HttpReader, PlayerActivity
from bridge.connections.wire import Wire
from bridge.model import Job

if TYPE_CHECKING:
    from bridge.protocols import Clock


class Board:
    """What is known of the connections; nothing is computed until `look`."""

    def __init__(self, clock: Clock) -> None:
        self.wire = Wire(clock)
        self.clients: Callable[[], tuple[ClientSeen, ...]] = tuple
        self.readers: Callable[[], tuple[HttpReader, ...]] = tuple
        self.player: Callable[[], PlayerActivity] = PlayerActivity
        self.processes: Callable[[], Mapping[str, int | None]] = dict
        """By name the ids of the bridge's child processes; None: it does not run."""
        self.cache_folder = ""
        self._machine = MachineReader(clock)

    async def look(self, jobs: Sequence[Job]) -> Connections:
        """All of it now. `jobs` are all jobs in the order of their submission."""
        folders = {"cache": self.cache_folder} if self.cache_folder else {}
        if results := next((job.output_dir for job in reversed(jobs) if job.output_dir), ""):
            folders["results"] = results
        machine = await self._machine.read({"main": os.getpid(), **self.processes()}, folders)
        return Connections(
            clients=self.clients(),
            readers=self.readers(),
            player=self.player(),
            machine=machine,
            queued=sum(job.state == "queued" for job in jobs),
            running=sum(job.state == "running" for job in jobs),
            queue_end_seconds=queue_end_seconds(jobs),
        )
