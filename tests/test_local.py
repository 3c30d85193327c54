"""`LocalBridge` with a real scheduler and a fake player."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import pytest

from bridge.bus import EventBus
from bridge.config import Settings
from bridge.events import Ended, GroupEnded, MidiEnded, MidiStarted, MidiWaiting, Produced
from bridge.groups.open_groups import PATIENCE_SECONDS
from bridge.inspector.admission import Admission
from bridge.inspector.in_process import InProcessInspector
from bridge.local import LocalBridge
from bridge.midi.client import MidiPlayer
from bridge.model import MidiStatus, ModelInfo, Result
from bridge.reader.client import ReaderClient
from bridge.request import JobRequest
from bridge.scheduler import Scheduler
from bridge.store.memory import MemoryStore
from tests.support.fakes import FakeClock, RecordingRunner
from tests.support.requests import request_for


class RecordingPlayer:
    status = MidiStatus()

    def __init__(self) -> None:
        self.stopped: list[str | None] = []
        self.played: list[tuple[str, str]] = []

    async def play(
        self,
        job: str,
        stems: Mapping[str, Path],
        offsets: Callable[[], Mapping[str, float]],
        *,
        sync: str,
        beat: float | None,
    ) -> None:
        del stems, offsets, beat
        self.played.append((job, sync))

    def stop(self, job: str | None = None) -> None:
        self.stopped.append(job)


async def test_the_notes_of_a_job_that_is_removed_from_the_store_stop(clip: Path) -> None:
    bus, player = EventBus(), RecordingPlayer()
    scheduler = Scheduler(MemoryStore(limit=200), FakeClock(), bus.publish, queue_limit=1)
    scheduler.run(RecordingRunner())
    admission = Admission(InProcessInspector((), Path()), scheduler)
    bridge = LocalBridge(
        Settings(), bus, scheduler, admission, cast("MidiPlayer", player), ReaderClient(Settings(), scheduler.job)
    )
    scheduler.on_runner_free()

    async def finished() -> str:
        job, _ = await bridge.submit(JobRequest(source=str(clip)))
        scheduler.on_event(Ended(job=job.id, outcome="done", unix_seconds=1.0))
        return job.id

    armed, playing, played = await finished(), await finished(), await finished()
    bus.publish(MidiWaiting(job=armed, stem="bass", sync="clock"))
    for job in (playing, played):
        bus.publish(MidiStarted(job=job, stem="bass", seconds=1.0, notes=1))
    bus.publish(MidiEnded(job=played, stem="bass", outcome="finished"))
    for _ in range(200 - 3):
        await finished()
    assert player.stopped == []
    await finished()
    assert player.stopped == [armed]
    await finished()
    assert set(player.stopped) == {armed, playing}


async def test_a_group_whose_client_is_gone_ends(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.local.IDLE_CHECK_SECONDS", 0.0)
    bus, clock = EventBus(), FakeClock()
    scheduler = Scheduler(MemoryStore(), clock, bus.publish, queue_limit=9)
    scheduler.run(RecordingRunner())
    admission = Admission(InProcessInspector((), Path()), scheduler)
    bridge = LocalBridge(
        Settings(),
        bus,
        scheduler,
        admission,
        cast("MidiPlayer", RecordingPlayer()),
        ReaderClient(Settings(), scheduler.job),
    )
    scheduler.on_runner_free()
    ended = asyncio.Event()
    bridge.subscribe(lambda event: ended.set() if isinstance(event, GroupEnded) else None)
    job, _ = await bridge.submit(request_for(clip, group="take", group_clips=2))
    scheduler.on_event(Ended(job=job.id, outcome="done", unix_seconds=1.0))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not ended.is_set()
    assert bridge.group(job.group_id).state == "running"
    clock.advance(PATIENCE_SECONDS)
    await asyncio.wait_for(ended.wait(), 5)
    assert bridge.group(job.group_id).state == "done"
    await bridge.close()


async def test_a_job_of_an_earlier_run_uses_the_sync_setting_of_this_bridge(clip: Path) -> None:
    store, player = MemoryStore(), RecordingPlayer()

    def run(sync: str) -> tuple[LocalBridge, Scheduler]:
        bus = EventBus()
        scheduler = Scheduler(store, FakeClock(), bus.publish, queue_limit=9)
        scheduler.run(RecordingRunner())
        admission = Admission(InProcessInspector((), Path()), scheduler)
        bridge = LocalBridge(
            Settings(defaults=request_for("", sync=sync)),
            bus,
            scheduler,
            admission,
            cast("MidiPlayer", player),
            ReaderClient(Settings(), scheduler.job),
        )
        scheduler.on_runner_free()
        return bridge, scheduler

    async def finished(bridge: LocalBridge, scheduler: Scheduler, sync: str) -> str:
        job, _ = await bridge.submit(request_for(str(clip), sync=sync))
        notes = Result(kind="midi", name="bass", folder=str(clip.parent), file="clip.mid", seconds=1.0, notes=1)
        scheduler.on_event(Produced(job=job.id, result=notes))
        scheduler.on_event(Ended(job=job.id, outcome="done", unix_seconds=1.0))
        return job.id

    first = run("now")
    earlier = await finished(*first, sync="now")
    second = run("jack")
    now = await finished(*second, sync="link")
    for job in (earlier, now):
        await second[0].play(job)
    await second[0].play(earlier, sync="clock")
    assert player.played == [(earlier, "jack"), (now, "link"), (earlier, "clock")]
    # The player knows of a play before anything else can run, so that a stop right after it is not lost.
    playing = second[0].play(now)
    with pytest.raises(StopIteration):
        playing.send(None)
    assert player.played[-1] == (now, "link")


async def test_a_flood_of_requests_for_the_models_looks_at_the_folders_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus, looks = EventBus(), list[Path]()
    scheduler = Scheduler(MemoryStore(), FakeClock(), bus.publish, queue_limit=1)
    admission = Admission(InProcessInspector((), Path()), scheduler)
    settings = Settings(models_dir=tmp_path, cache_dir=tmp_path)
    bridge = LocalBridge(
        settings,
        bus,
        scheduler,
        admission,
        cast("MidiPlayer", RecordingPlayer()),
        ReaderClient(Settings(), scheduler.job),
    )

    def catalogue(folder: Path, *, speeds: object) -> tuple[ModelInfo, ...]:
        del speeds
        looks.append(folder)
        return (DRAFT,)

    monkeypatch.setattr("bridge.local.catalogue", catalogue)
    assert await asyncio.gather(*(bridge.models() for _ in range(100))) == [(DRAFT,)] * 100
    assert looks == [tmp_path]
    await bridge.models()
    assert looks == [tmp_path] * 2


DRAFT = ModelInfo(name="draft", stems=("vocals",), present=True, note="built in")
