"""`LocalBridge` and the notes of running jobs, with a real scheduler and a fake player."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from bridge.bus import EventBus
from bridge.config import Settings
from bridge.errors import NotFound
from bridge.events import Ended, Event, HorizonMoved, LiveNotes, Produced, Started
from bridge.inspector.admission import Admission
from bridge.inspector.in_process import InProcessInspector
from bridge.local import TAKE_IS_OVER, LocalBridge
from bridge.midi.client import MidiPlayer
from bridge.model import SCREEN, MidiStatus, Result
from bridge.reader.client import ReaderClient
from bridge.scheduler import Scheduler
from bridge.store.memory import MemoryStore
from tests.support.fakes import FakeClock, RecordingRunner
from tests.support.requests import request_for
from tests.support.scheduler_bench import lose_runner


class RecordingPlayer:
    """Records the name of each call and the job."""

    status = MidiStatus()

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []

    async def play(self, job: str, *_: object, sync: str, beat: float | None) -> None:
        del sync, beat
        self.told.append(("play", job))

    async def play_live(self, job: str, *_: object, sync: str, beat: float | None, tempo_bpm: float) -> None:
        del sync, beat, tempo_bpm
        self.told.append(("play live", job))

    async def extend(self, job: str, *_: object, is_last: bool) -> None:
        self.told.append(("end" if is_last else "extend", job))

    def break_off(self, job: str, reason: str) -> None:
        assert reason == TAKE_IS_OVER
        self.told.append(("break off", job))

    def stop(self, job: str | None = None) -> None:
        self.told.append(("stop", job))


class Bench:
    """A bridge without processes. `job` is the running job, which plays live with JACK."""

    def __init__(self, clip: Path) -> None:
        self._clip = clip
        self.player, self.runner, bus = RecordingPlayer(), RecordingRunner(), EventBus()
        self.scheduler = Scheduler(MemoryStore(), FakeClock(), bus.publish, queue_limit=9)
        self.scheduler.run(self.runner)
        admission = Admission(InProcessInspector((), Path()), self.scheduler)
        self.bridge = LocalBridge(
            Settings(),
            bus,
            self.scheduler,
            admission,
            cast("MidiPlayer", self.player),
            ReaderClient(Settings(), self.scheduler.job),
        )
        self.events: list[Event] = []
        self.bridge.subscribe(self.events.append)
        self.scheduler.on_runner_free()
        self.job = ""

    async def submit(self, *, origin: str = "", **fields: object) -> None:
        request = request_for(self._clip, **{"play": "live", "sync": "jack", **fields})
        job, _ = await self.bridge.submit(request, origin=origin)
        self.job = job.id
        self.scheduler.on_event(Started(job=job.id, engine="draft", device="cpu", output_dir=""))

    async def notes(self, until: float) -> None:
        self.bridge.on_live_notes(
            LiveNotes(
                job=self.job,
                parts={"bass": ()},
                until_seconds=until,
                heard_seconds=until,
                clip_seconds=9.0,
                tempo_bpm=120.0,
                is_last=until == 9.0,
            )
        )
        await settled()

    async def ends(self, outcome: str) -> None:
        if outcome == "done":
            notes = Result(kind="midi", name="bass", folder="", file="clip.mid", seconds=9.0, notes=1)
            self.scheduler.on_event(Produced(job=self.job, result=notes))
        self.scheduler.on_event(Ended(job=self.job, outcome=outcome, unix_seconds=1.0))  # type: ignore[arg-type]
        await settled()

    @property
    def told(self) -> list[str]:
        assert {job for _, job in self.player.told} <= {self.job}
        return [name for name, _ in self.player.told]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_was_played_live_is_not_played_again_when_the_job_is_done(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit()
    for until in (0.0, 4.0, 9.0):
        await bench.notes(until)
    await bench.ends("done")
    assert bench.told == ["play live", "extend", "extend", "end"]


async def test_a_job_that_is_stopped_before_anything_is_known_stays_silent(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit()
    bench.bridge.stop(bench.job)
    for until in (0.0, 4.0, 9.0):
        await bench.notes(until)
    await bench.ends("done")
    assert bench.told == ["stop"]
    await bench.bridge.play(bench.job)
    assert bench.told == ["stop", "play"]


async def test_who_plays_a_job_that_is_not_finished_is_told_so(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit()
    await bench.notes(4.0)
    with pytest.raises(NotFound, match=r"not finished yet.*play live"):
        await bench.bridge.play(bench.job)
    await bench.ends("failed")
    with pytest.raises(NotFound, match="no notes to play"):
        await bench.bridge.play(bench.job)


async def test_a_live_job_whose_results_were_in_the_cache_plays_when_it_is_done(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit()
    await bench.ends("done")
    assert bench.told == ["play"]


async def test_a_dead_worker_ends_the_take_and_the_job_goes_on(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit()
    await bench.notes(4.0)
    lose_runner(bench.scheduler, "killed")
    bench.scheduler.on_runner_free()
    for until in (0.0, 4.0, 9.0):
        await bench.notes(until)
    await bench.ends("done")
    assert bench.told == ["play live", "extend", "break off"]
    assert bench.runner.asked == [("run", bench.job)] * 2
    assert bench.bridge.job(bench.job).state == "done"


async def test_a_job_that_is_cancelled_with_its_group_is_silent_before_it_is_over(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit(group="album")
    await bench.notes(4.0)
    bench.bridge.cancel_group(bench.bridge.groups()[0].id)
    assert bench.told == ["play live", "extend", "stop"]
    await bench.notes(8.0)  # its worker has not heard of it yet
    await bench.ends("cancelled")
    await bench.notes(9.0)
    assert bench.told == ["play live", "extend", "stop"]
    assert [event.seconds for event in bench.events if isinstance(event, HorizonMoved)] == [4.0]


async def test_notes_of_a_job_that_is_cancelled_before_its_first_ones_are_not_played(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit()
    bench.bridge.cancel(bench.job)
    await bench.notes(0.0)
    await bench.ends("cancelled")
    assert set(bench.told) == {"stop"}


async def test_stop_silences_a_live_job_for_good_and_the_job_goes_on(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit()
    await bench.notes(4.0)
    bench.bridge.stop(bench.job)
    await bench.notes(9.0)
    await bench.ends("done")
    assert bench.told == ["play live", "extend", "stop"]
    assert bench.bridge.job(bench.job).state == "done"


async def test_notes_of_a_job_that_nobody_knows_any_more_change_nothing(clip: Path) -> None:
    bench = Bench(clip)
    bench.job = "removed"
    await bench.notes(4.0)
    assert (bench.told, bench.events) == ([], [])


async def test_a_job_that_is_shown_tells_how_far_it_is_and_plays_nothing(clip: Path) -> None:
    bench = Bench(clip)
    await bench.submit(play=False, origin=SCREEN)
    assert bench.scheduler.job(bench.job).request_to_run.play.is_shown
    await bench.notes(2.0)
    await bench.notes(2.0)
    await bench.notes(9.0)
    moved = [event.seconds for event in bench.events if isinstance(event, HorizonMoved)]
    assert moved == [2.0, 9.0]
    await bench.ends("done")
    assert bench.told == []
