"""The bridge of one process, where its parts meet."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from bridge.admission import Admission
from bridge.bus import EventBus
from bridge.config import Settings
from bridge.events import Ended, MidiEnded, MidiStarted, MidiWaiting
from bridge.inspector.glance import Glance
from bridge.local import LocalBridge
from bridge.midi.client import MidiPlayer
from bridge.model import JobRequest, MidiStatus
from bridge.scheduler import Scheduler
from bridge.store.memory import KEPT_JOBS, MemoryStore
from tests.fakes import FakeClock
from tests.test_scheduler import RecordingRunner


class RecordingPlayer:
    status = MidiStatus()

    def __init__(self) -> None:
        self.stopped: list[str | None] = []

    def stop(self, job: str | None = None) -> None:
        self.stopped.append(job)


async def test_the_notes_of_a_job_that_is_forgotten_end(clip: Path) -> None:
    bus, player = EventBus(), RecordingPlayer()
    scheduler = Scheduler(MemoryStore(), FakeClock(), bus.publish, queue_limit=1)
    scheduler.attach(RecordingRunner())
    admission = Admission(Glance(()), scheduler.check_room, scheduler.submit)
    bridge = LocalBridge(Settings(), bus, scheduler, admission, cast("MidiPlayer", player))
    scheduler.free()

    async def finished() -> str:
        job, _ = await bridge.submit(JobRequest(source=str(clip)))
        scheduler.happened(Ended(job=job.id, outcome="done", unix_seconds=1.0))
        return job.id

    armed, playing, played = await finished(), await finished(), await finished()
    bus.publish(MidiWaiting(job=armed, stem="bass", sync="clock"))
    for job in (playing, played):
        bus.publish(MidiStarted(job=job, stem="bass", seconds=1.0, notes=1))
    bus.publish(MidiEnded(job=played, stem="bass", outcome="finished"))
    for _ in range(KEPT_JOBS - 3):
        await finished()
    assert player.stopped == []
    await finished()
    assert player.stopped == [armed]
    await finished()
    assert set(player.stopped) == {armed, playing}
