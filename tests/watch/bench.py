"""A watched folder with a real ledger, a real observer, and a bridge that the test holds in its hands."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from bridge.events import Cancelling, Ended, Event, JobEvent, Noticed, Started, Submitted
from bridge.lifecycle import apply
from bridge.model import Failure, Job, Outcome
from bridge.options.request import build_request
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode_manifest, manifest_name
from bridge.request import JobRequest
from bridge.system.clock import SystemClock
from bridge.watch.folder_watch import FolderWatch, News, watching
from bridge.watch.turns import WATCH, Turns
from bridge.watch.values import WatchChoice, WatchedClip
from tests.support.fakes import FakeBridge

SETTLE_SECONDS = 0.1
#: Long enough for a busy machine.
PATIENCE_SECONDS = 20.0


@dataclass
class WorkingBridge(FakeBridge):
    """A fake bridge that does one job after another, in their order; `outcome_of` decides how each ends."""

    outcome_of: Callable[[Job], Outcome | Failure] = lambda _: "done"
    is_held: bool = False
    """True: jobs wait, and the test ends them."""
    origins: list[str] = field(default_factory=list)

    async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
        self.asked.append(("submit", request))
        if self.refuse is not None:
            raise self.refuse
        self.origins.append(origin)
        number = len(self.table) + len(self.removed) + 1
        now = SystemClock().unix_seconds()
        before = sum(not job.is_over for job in self.table.values())
        self._apply(Submitted(job=f"job{number}", name="clip", request=request, unix_seconds=now, origin=origin))
        if not self.is_held:
            asyncio.get_running_loop().call_soon(self.work_through)
        del sender
        return self.table[f"job{number}"], before

    def work_through(self) -> None:
        """Does every job that waits."""
        for job in [job for job in self.table.values() if not job.is_over]:
            self.start(job.id)
            outcome = self.outcome_of(job)
            self.end(job.id, "failed" if isinstance(outcome, Failure) else outcome, outcome)

    def start(self, job: str) -> None:
        self._apply(Started(job=job, engine="draft", device="cpu", output_dir=""))

    def end(self, job: str, outcome: Outcome, why: object = None) -> None:
        failure = why if isinstance(why, Failure) else None
        self._apply(Ended(job=job, outcome=outcome, unix_seconds=SystemClock().unix_seconds(), failure=failure))

    def cancel(self, job: str) -> None:
        self.asked.append(("cancel", job))
        self._apply(Cancelling(job=job))
        self.end(job, "cancelled")

    def _apply(self, event: JobEvent) -> None:
        self.table[event.job] = apply(self.table.get(event.job), event)
        self.publish(event)

    @property
    def sources(self) -> list[str]:
        """The file names of all requests, in order."""
        return [Path(ask[1].source).name for ask in self.asked if ask[0] == "submit"]  # type: ignore[attr-defined]


@dataclass
class WatchBench:
    """A folder, and what a watch of it tells."""

    root: Path
    bridge: WorkingBridge = field(default_factory=WorkingBridge)
    news: list[News] = field(default_factory=list)
    choice: WatchChoice = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.choice = WatchChoice(folder=self.folder, settle_seconds=SETTLE_SECONDS)
        self._told = asyncio.Event()

    @property
    def folder(self) -> Path:
        return self.root / "in"

    def put(self, *names: str, content: str = "") -> None:
        """Makes files, each with its own content unless one is given."""
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.fsencode(content or f"the sound of {name}"))

    @asynccontextmanager
    async def watching(self, **choice: object) -> AsyncIterator[FolderWatch]:
        async def request_for(path: str) -> JobRequest:
            return build_request(path, {}, JobRequest(source=""))

        async with watching(
            replace(self.choice, **choice),
            self.bridge,
            request_for,
            state_dir=self.root / "state",
            clock=SystemClock(),
            turns=Turns(self.bridge),
            tell=self._tell,
        ) as watch:
            yield watch

    async def run_until_idle(self, **choice: object) -> FolderWatch:
        """Watches until all that is there is dealt with."""
        async with self.watching(**choice) as watch:
            await asyncio.wait_for(watch.until_idle(), PATIENCE_SECONDS)
        return watch

    async def until(self, holds: Callable[[], bool]) -> None:
        """Returns when something is so, which news or events of the bridge tell."""

        def on_event(_: Event) -> None:
            self._told.set()

        async def wait() -> None:
            while not holds():
                await self._told.wait()
                self._told.clear()

        end = self.bridge.subscribe(on_event)
        try:
            await asyncio.wait_for(wait(), PATIENCE_SECONDS)
        finally:
            end()

    def ends(self) -> dict[str, str]:
        """The clips that are over, and how."""
        clips = [news for news in self.news if isinstance(news, WatchedClip)]
        return {clip.path: clip.state for clip in clips if clip.state in ("done", "failed")}

    def words(self) -> str:
        return "\n".join(news.message for news in self.news if isinstance(news, Noticed))

    def _tell(self, news: News) -> None:
        self.news.append(news)
        self._told.set()


def other_job(source: str = "/daw/clip.wav") -> JobRequest:
    """A clip from somebody else."""
    return JobRequest(source=source)


def put_results(clip: Path) -> None:
    """Results of a clip beside it, as an earlier job left them."""
    folder = clip.parent / "stems" / clip.stem
    folder.mkdir(parents=True)
    manifest = Manifest(
        job="earlier",
        name=clip.stem,
        source=SourceRecord(
            path="/elsewhere.wav",
            sha256=hashlib.sha256(clip.read_bytes()).hexdigest(),
            start_seconds=0.0,
            start_frame=0,
            frames=1,
            sample_rate_hz=44_100,
            channels=2,
        ),
        request={},
        engine=EngineRecord(name="draft", device="cpu", weights=""),
        transcribers={},
        music=None,
        warnings=(),
        results=(),
        versions={},
        started="",
        seconds=1.0,
    )
    (folder / manifest_name(clip.stem)).write_bytes(encode_manifest(manifest))


__all__ = ["WATCH", "WatchBench", "WorkingBridge", "other_job", "put_results"]
