"""Test benches: a worker with fake engines and transcribers, whose events fold into a job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.events import Submitted
from bridge.lifecycle import fold
from bridge.model import Job
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.context import WorkerContext
from bridge.pipeline.stage_paces import StagePaces
from bridge.protocols import Engines, Transcribers
from bridge.request import JobRequest
from bridge.worker.messages import Happened, RunJob, WorkerReport
from bridge.worker.service import Worker
from tests.support.fakes import FakeClock
from tests.support.requests import request_for
from tests.support.separators import OneEngine, OneNoteTranscriber, OneTranscriber, SharesSeparator


class Bench:
    """A worker with a fake engine and transcriber; its events fold into a job."""

    def __init__(
        self,
        engines: Engines | None = None,
        max_seconds: float = 60.0,
        cache: ResultsCache | None = None,
        transcriber: OneNoteTranscriber | None = None,
        on_report: Callable[[WorkerReport], None] = lambda _: None,
        previews: Path | None = None,
        transcribers: Transcribers | None = None,
    ) -> None:
        """`on_report` is called with each report; `transcribers` are used instead of one `transcriber` for all."""
        self.reports: list[WorkerReport] = []
        self.on_report = on_report
        self.transcriber = transcriber or OneNoteTranscriber()
        context = WorkerContext(
            engines=engines or OneEngine(),
            transcribers=transcribers or OneTranscriber(self.transcriber),
            clock=FakeClock(),
            max_seconds=max_seconds,
            paces=StagePaces(None, FakeClock()),
            cache=cache,
            previews=previews,
        )
        self.worker = Worker(context, self._receive)

    def _receive(self, report: WorkerReport) -> None:
        self.reports.append(report)
        self.on_report(report)

    def run(self, source: Path, **options: object) -> Job:
        return self.run_request(request_for(source, **options))

    def run_request(self, request: JobRequest) -> Job:
        self.worker.execute(RunJob(job="a", request=request))
        submitted = Submitted(job="a", name="x", request=request, unix_seconds=0.0)
        return fold([submitted, *(report.event for report in self.reports if isinstance(report, Happened))])

    @property
    def events(self) -> list[object]:
        return [report.event for report in self.reports if isinstance(report, Happened)]


def files(job: Job) -> list[str]:
    return sorted(entry.name for entry in Path(job.output_dir).iterdir()) if Path(job.output_dir).is_dir() else []


class CachingBench:
    """Runs jobs with one cache and one engine; `separated` is whether the last job ran the engine."""

    def __init__(self, cache: Path) -> None:
        self.engine = SharesSeparator()
        self.folder = cache
        self.last = Bench()
        self.separated = False

    def run(self, source: Path, **options: object) -> Job:
        cache = ResultsCache(self.folder, 10**9, FakeClock())
        before = len(self.engine.asked)
        self.last = Bench(OneEngine(self.engine), cache=cache)
        job = self.last.run(source, **options)
        self.separated = len(self.engine.asked) > before
        return job
