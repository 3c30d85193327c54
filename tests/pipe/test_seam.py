"""The contract of `protocols.Bridge`: of the bridge itself, and of one in another process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.connections.values import WireMessage
from bridge.errors import BridgeError, NotFound, QueueFull
from bridge.events import ComputingMoved, Ended, Event, MidiReady, Noticed, Produced, Progressed, Started, WorkerChanged
from bridge.model import MidiStatus, Result
from bridge.protocols import Bridge
from tests.support.requests import request_for
from tests.support.seam import SeamBench, until


@pytest.fixture(params=["local", "remote"])
async def seam(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[SeamBench, Bridge]]:
    bench = SeamBench()
    async with AsyncExitStack() as parts:
        yield bench, await parts.enter_async_context(bench.seen_as(request.param, tmp_path))
        await bench.local.close()


async def test_a_submitted_job_is_known_and_has_its_place(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    bench, bridge = seam
    first, before = await bridge.submit(request_for(clip))
    second, behind = await bridge.submit(request_for(clip))
    assert (before, behind) == (0, 1)
    assert bridge.jobs() == (bridge.job(first.id), bridge.job(second.id))
    bench.scheduler.on_event(Progressed(job=first.id, stage="loading", fraction=0.25))
    await until(lambda: bridge.status().running == 1)
    assert (bridge.status().queued, bridge.job(first.id).fraction) == (1, 0.25)


async def test_errors_arrive_with_their_class_words_and_advice(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    _, bridge = seam
    with pytest.raises(NotFound) as missing:
        await bridge.submit(request_for(clip.with_name("no such.wav")))
    assert "no such.wav" in missing.value.message
    assert missing.value.advice
    for _ in range(4):
        await bridge.submit(request_for(clip))
    with pytest.raises(QueueFull):
        await bridge.submit(request_for(clip))
    with pytest.raises((BridgeError, UnicodeEncodeError)):
        await bridge.submit(request_for(f"{clip}\udcff"))


async def test_what_is_not_there_is_said_at_once(seam: tuple[SeamBench, Bridge]) -> None:
    _, bridge = seam
    for act in (bridge.cancel, bridge.job, bridge.group, bridge.cancel_group, bridge.close_group, bridge.stop):
        with pytest.raises(NotFound):
            act("nonesuch")
    with pytest.raises(NotFound):
        await bridge.play("nonesuch")
    await bridge.cancel_all(["nonesuch"])


async def test_jobs_and_groups_are_cancelled(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    _, bridge = seam
    alone, _ = await bridge.submit(request_for(clip))
    one, _ = await bridge.submit(request_for(clip, group="take", group_clips=2))
    other, _ = await bridge.submit(request_for(clip, group="take", group_clips=2))
    assert bridge.group(one.group_id).clips == 2
    assert [group.id for group in bridge.groups()] == [one.group_id]
    bridge.cancel_group(one.group_id)
    await until(lambda: bridge.job(other.id).state == bridge.job(one.id).state == "cancelled")
    await until(lambda: bridge.group(one.group_id).is_over)
    await bridge.cancel_all([alone.id])
    await until(lambda: bridge.job(alone.id).is_cancelling)


async def test_closing_a_group_names_the_jobs_that_are_left(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    bench, bridge = seam
    jobs = [(await bridge.submit(request_for(clip, group="take", group_clips=5)))[0] for _ in range(3)]
    bench.scheduler.on_event(Ended(job=jobs[0].id, outcome="done", unix_seconds=1.0))
    await until(lambda: bridge.job(jobs[0].id).is_over)
    assert list(bridge.close_group("take")) == [jobs[2].id, jobs[1].id]


async def test_notes_are_played_stopped_and_silenced(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    bench, bridge = seam
    job, _ = await bridge.submit(request_for(clip))
    notes = Result(kind="midi", name="bass", folder=str(clip.parent), file="clip.mid", seconds=1.0, notes=1)
    bench.scheduler.on_event(Produced(job=job.id, result=notes))
    bench.scheduler.on_event(Ended(job=job.id, outcome="done", unix_seconds=1.0))
    await bridge.play(job.id, ["bass"], "clock")
    with pytest.raises(NotFound, match="no notes for drums"):
        await bridge.play(job.id, ["drums"])
    bridge.stop(job.id)
    bridge.stop()
    bridge.panic()
    await until(lambda: ("panic",) in bench.player.asked)
    assert bench.player.asked == [
        ("play", job.id, ("bass",), "clock"),
        ("stop", job.id),
        ("stop", None),
        ("panic",),
    ]


async def test_events_come_in_order_until_they_are_not_wanted_any_more(
    seam: tuple[SeamBench, Bridge], clip: Path
) -> None:
    bench, bridge = seam
    seen: list[Event] = []
    more: list[Event] = []
    job, _ = await bridge.submit(request_for(clip))
    unsubscribe = bridge.subscribe(seen.append)
    bridge.subscribe(more.append)
    events = [Progressed(job=job.id, stage="separating", fraction=share / 10) for share in range(5)]
    for event in events:
        bench.scheduler.on_event(event)
    await until(lambda: len(seen) == 5)
    assert seen == more == events
    unsubscribe()
    bench.bus.publish(Noticed(level="info", message="more"))
    await until(lambda: len(more) == 6)
    assert len(seen) == 5


async def test_notices_from_before_are_told(seam: tuple[SeamBench, Bridge]) -> None:
    bench, bridge = seam
    bench.bus.publish_retained(Noticed(level="warning", message="The history was damaged."))
    seen: list[Event] = []
    bridge.subscribe(seen.append)
    await until(lambda: bool(seen))
    assert seen == [Noticed(level="warning", message="The history was damaged.")]


async def test_the_status_follows(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    bench, bridge = seam
    assert bridge.status().midi.backend == "jack"
    job, _ = await bridge.submit(request_for(clip))
    bench.bus.publish(WorkerChanged(state="busy"))
    bench.bus.publish(ComputingMoved(computing="farm"))
    bench.scheduler.on_event(Started(job=job.id, engine="good", device="cuda", output_dir=str(clip.parent)))
    bench.player.status = MidiStatus(message="JACK has gone.")
    bench.bus.publish(MidiReady(status=bench.player.status))
    await until(lambda: bridge.status().midi.message == "JACK has gone.")
    assert bridge.status().computing == "farm"
    status = bridge.status()
    assert (status.worker, status.engine, status.device) == ("busy", "good", "cuda")


async def test_models_are_listed(seam: tuple[SeamBench, Bridge]) -> None:
    _, bridge = seam
    assert "draft" in {model.name for model in await bridge.models()}
    assert bridge.keeps_jobs is False


async def test_jobs_are_removed_and_restored(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    bench, bridge = seam
    job, _ = await bridge.submit(request_for(clip), origin="screen")
    assert bridge.job(job.id).origin == "screen"
    bench.scheduler.on_event(Ended(job=job.id, outcome="done", unix_seconds=1.0))
    await until(lambda: bridge.job(job.id).is_over)
    bridge.remove([job.id, "nonesuch"])
    await until(lambda: not bridge.jobs())
    bridge.restore([job.id])
    await until(lambda: [known.id for known in bridge.jobs()] == [job.id])


async def test_files_are_looked_at(seam: tuple[SeamBench, Bridge]) -> None:
    _, bridge = seam
    assert [look.path for look in await bridge.look(["/one.wav", "/two.wav"])] == ["/one.wav", "/two.wav"]
    with pytest.raises(NotFound):
        await bridge.outline("/no such.wav")


async def test_what_a_job_is_asked_that_is_not_there(seam: tuple[SeamBench, Bridge], clip: Path) -> None:
    _, bridge = seam
    with pytest.raises(NotFound):
        await bridge.reader.open("nonesuch")
    with pytest.raises(NotFound):
        await bridge.reader.notes("nonesuch", request_for(clip))
    with pytest.raises(NotFound):
        await bridge.show_folder(str(clip.with_name("none")))


async def test_the_wire_is_told_while_it_is_watched(seam: tuple[SeamBench, Bridge]) -> None:
    bench, bridge = seam
    assert (await bridge.connections()).queued == 0
    seen: list[WireMessage] = []
    ends = [bridge.watch_wire(seen.append), bridge.watch_wire(seen.append)]
    await bridge.models()  # by then a bridge elsewhere has heard of it
    bench.board.wire.saw("/sab/ping", (), is_out=False)
    await until(lambda: len(seen) == 2)
    ends[0]()
    bench.board.wire.saw("/sab/ping", (), is_out=False)
    await until(lambda: len(seen) == 3)
    ends[1]()
    ends[1]()
    await bridge.models()
    bench.board.wire.saw("/sab/ping", (), is_out=False)
    await bridge.models()
    assert [message.address for message in seen] == ["/sab/ping"] * 3
    assert not bench.board.wire.is_watched
