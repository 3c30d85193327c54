"""`python -m bridge.worker`: started by the main process, ends when that is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.context import WorkerContext
from bridge.pipeline.stage_paces import StagePaces
from bridge.processes.parent import ParentChannel, log_to_parent
from bridge.separation.backends import Backends
from bridge.separation.openvino.cache import OpenVinoCache
from bridge.separation.registry import EngineRegistry
from bridge.separation.throughput import EngineSpeeds
from bridge.system.clock import SystemClock
from bridge.transcription.registry import TranscriberRegistry
from bridge.worker.allocator import give_back_memory
from bridge.worker.idle import IdleTime
from bridge.worker.messages import Configure, WorkerCommand, WorkerReady, WorkerReport
from bridge.worker.service import Worker

#: So long without a job, and the worker takes its time for what costs all processors for a while.
SETTLE_SECONDS = 3.0
#: So long without anything to do, and it gives back its memory. Not sooner: the notes of the job may be playing, and
#: where the system is a guest, its host may stop all of it for that.
KEEP_SECONDS = 60.0
#: What idle work needs to end; then the process ends anyway.
STOP_SECONDS = 0.3


def main() -> int:
    """Serves until the pipe to the main process closes."""
    log_to_parent()
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
        cache_dir = Path(first.cache_dir)
        backends = Backends(OpenVinoCache(cache_dir / "openvino", clock=clock))
        engines = EngineRegistry(
            Path(first.models_dir), clock=clock, backends=backends, speeds=EngineSpeeds.kept_in(cache_dir)
        )
        transcribers = TranscriberRegistry()
        workshop = WorkerContext(
            engines=engines,
            transcribers=transcribers,
            clock=clock,
            max_seconds=first.max_seconds,
            paces=StagePaces.kept_in(cache_dir, clock),
            roots=tuple(map(Path, first.roots)),
            cache=ResultsCache(cache_dir, first.cache_max_bytes, clock) if first.cache_max_bytes else None,
        )
        worker = Worker(workshop, channel.send)
        workers.append(worker)
        idle = IdleTime(partial(prepare_worker, engines, transcribers), rest)
        channel.send(WorkerReady())
        idle.begin()
        while (command := channel.inbox.get()) is not None:
            idle.end()
            worker.obey(command)
            if channel.inbox.empty():
                idle.begin()
        idle.end()
        if not idle.join(STOP_SECONDS):
            os._exit(0)  # a model that is being compiled cannot be interrupted, and nothing of it is on disk
    return 0


def prepare_worker(engines: EngineRegistry, transcribers: TranscriberRegistry, stop: threading.Event) -> None:
    """What an idle worker does: all that the next job would have to wait for, what helps soonest first."""
    engines.prepare(stop)
    for stem in ("vocals", "drums"):
        if not stop.is_set():
            transcribers.for_stem(stem)
    if not stop.wait(SETTLE_SECONDS):
        engines.convert(stop)


def rest(stop: threading.Event) -> None:
    """What a worker does that has been idle for long."""
    if not stop.wait(KEEP_SECONDS):
        give_back_memory()


if __name__ == "__main__":
    sys.exit(main())
