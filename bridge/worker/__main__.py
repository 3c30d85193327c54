"""`python -m bridge.worker`: started by the main process, ends when that is gone."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

from bridge.clock import SystemClock
from bridge.pipeline.job import Workshop
from bridge.processes.parent import ParentChannel
from bridge.separation.registry import Engines
from bridge.transcription.registry import Transcribers
from bridge.worker.messages import Configure, Ready, WorkerCommand, WorkerReport
from bridge.worker.service import Worker


def main() -> int:
    """Serves until the pipe to the main process closes."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends the worker in order
    workers: list[Worker] = []  # empty until the first command has said what it needs

    def interrupt(command: WorkerCommand) -> bool:
        return any(worker.interrupt(command) for worker in workers)

    def abandon() -> None:
        for worker in workers:
            worker.abandon()

    channel = ParentChannel[WorkerCommand, WorkerReport](WorkerCommand, on_command=interrupt, on_gone=abandon)
    with channel:
        first = channel.inbox.get()
        if not isinstance(first, Configure):
            return 2 if first is not None else 0
        clock = SystemClock()
        workshop = Workshop(
            engines=Engines(Path(first.models_dir), clock=clock),
            transcribers=Transcribers(),
            clock=clock,
            max_seconds=first.max_seconds,
            roots=tuple(map(Path, first.roots)),
        )
        worker = Worker(workshop, channel.send)
        workers.append(worker)
        channel.send(Ready())
        while (command := channel.inbox.get()) is not None:
            worker.obey(command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
