"""`python -m bridge.worker`: started by the main process, ends when the main process is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.context import WorkerContext
from bridge.pipeline.folders.preview_folder import FOLDER as PREVIEWS_FOLDER
from bridge.pipeline.folders.preview_folder import remove_unused
from bridge.pipeline.stage_paces import StagePaces
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel
from bridge.separation.backends import Backends
from bridge.separation.families.table import EngineFamilies
from bridge.separation.openvino.cache import OpenVinoCache
from bridge.separation.registry import EngineRegistry
from bridge.separation.throughput import EngineSpeeds
from bridge.system.clock import SystemClock
from bridge.system.priority import COMPUTING, give_way
from bridge.transcription.registry import TranscriberRegistry
from bridge.worker.allocator import release_memory
from bridge.worker.idle import IdleTime
from bridge.worker.messages import WorkerCommand, WorkerReady, WorkerReport, WorkerSettings
from bridge.worker.predecessor import follow_predecessor
from bridge.worker.service import Worker

#: Idle time before the worker converts models, which occupies all CPU cores for a while.
CONVERT_AFTER_SECONDS = 3.0
#: Idle time before the worker releases its memory. Not sooner: the job's notes may be playing, and in a virtual machine
#: the host may pause the whole guest to take the memory back.
RELEASE_AFTER_SECONDS = 60.0
#: Time for idle work to end at exit; then the process ends regardless.
STOP_SECONDS = 0.3


def main() -> int:
    """Serves until the pipe to the main process closes."""
    log_to_parent()
    give_way(COMPUTING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends the worker in order
    workers: list[Worker] = []  # empty until the first message has configured it

    def interrupt(command: WorkerCommand) -> bool:
        return any(worker.interrupt(command) for worker in workers)

    def abandon() -> None:
        for worker in workers:
            worker.abandon()

    channel = ParentChannel[WorkerSettings, WorkerCommand, WorkerReport](
        WorkerSettings, WorkerCommand, on_command=interrupt, on_gone=abandon
    )
    with channel:
        settings = channel.first()
        lock = follow_predecessor(Path(settings.lock)) if settings.lock else None
        clock = SystemClock()
        cache_dir = Path(settings.cache_dir)
        previews = cache_dir / PREVIEWS_FOLDER
        remove_unused(previews)
        backends = Backends(OpenVinoCache(cache_dir / "openvino", clock=clock))
        families = EngineFamilies.of(
            Path(settings.models_dir), conversions=cache_dir / "converted", trust_pickles=settings.trust_pickles
        )
        engines = EngineRegistry(families, clock=clock, backends=backends, speeds=EngineSpeeds.in_folder(cache_dir))
        transcribers = TranscriberRegistry()
        context = WorkerContext(
            engines=engines,
            transcribers=transcribers,
            clock=clock,
            max_seconds=settings.max_seconds,
            paces=StagePaces.kept_in(cache_dir, clock),
            roots=tuple(map(Path, settings.roots)),
            previews=previews,
            cache=ResultsCache(cache_dir, settings.cache_max_bytes, clock) if settings.cache_max_bytes else None,
        )
        worker = Worker(context, channel.send)
        workers.append(worker)
        idle = IdleTime(partial(prepare_worker, engines, transcribers), release_idle_memory)
        channel.send(WorkerReady())
        idle.begin()
        while (command := channel.inbox.get()) is not None:
            idle.end()
            worker.execute(command)
            if channel.inbox.empty():
                idle.begin()
        idle.end()
        if not idle.join(STOP_SECONDS):
            os._exit(0)  # compiling a model cannot be interrupted, and has written nothing to disk yet
    if lock is not None:
        lock.close()
    return 0


def prepare_worker(engines: EngineRegistry, transcribers: TranscriberRegistry, stop: threading.Event) -> None:
    """Idle work: loads and converts what the next job would have to wait for, quickest gains first."""
    engines.prepare(stop)
    for stem in ("vocals", "drums"):
        if not stop.is_set():
            transcribers.for_stem(stem)
    if not stop.wait(CONVERT_AFTER_SECONDS):
        engines.convert(stop)


def release_idle_memory(stop: threading.Event) -> None:
    """Idle work: releases free memory after a long idle time."""
    if not stop.wait(RELEASE_AFTER_SECONDS):
        release_memory()


if __name__ == "__main__":
    sys.exit(main())
