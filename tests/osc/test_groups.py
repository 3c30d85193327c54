"""Groups over OSC: a real server over a real queue, whose jobs end as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from bridge.bus import EventBus
from bridge.config import Settings
from bridge.errors import BadArguments, NotFound
from bridge.events import Ended, GroupEnded, Produced, Progressed, Started
from bridge.inspector.admission import Admission
from bridge.local import LocalBridge
from bridge.midi.client import MidiPlayer
from bridge.model import Outcome, Result
from bridge.osc.addresses import GROUP, GROUP_CLIP, GROUP_FINISHED, GROUP_RESULT, JOB_GROUP, Message
from bridge.osc.client import OscClient, open_client
from bridge.osc.fields import Fields, arguments_of, event_of
from bridge.osc.server import OscServer, serve_osc
from bridge.protocols.looking import FileLook
from bridge.reader.client import ReaderClient
from bridge.request import JobRequest
from bridge.scheduler import Scheduler
from bridge.store.memory import MemoryStore
from tests.support.fakes import FakeClock, RecordingRunner
from tests.support.studio import pushed


class SilentPlayer:
    """A player without ports."""

    def stop(self, job: str | None = None) -> None: ...


@dataclass
class HeldInspector:
    """Takes every file, once it may answer."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def inspect(self, request: JobRequest, sender: str = "") -> None:
        del sender
        if not Path(request.source).exists():
            raise NotFound(f"There is no file {request.source}.")
        await self.may_answer.wait()

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        return tuple(FileLook(path=path) for path in paths)


@dataclass
class Hall:
    """A served bridge whose runner only records."""

    scheduler: Scheduler
    server: OscServer
    clip: Path
    inspector: HeldInspector

    async def submit(self, client: OscClient, group: str, *more: str | float) -> str:
        (answer,) = await client.ask("/sab/submit", str(self.clip), "group", group, *more)
        return str(answer.arguments[1])

    def progress(self, job: str, fraction: float) -> None:
        self.scheduler.on_event(Started(job=job, engine="draft", device="cpu", output_dir=f"/out/{job}"))
        self.scheduler.on_event(Progressed(job=job, stage="separating", fraction=fraction))

    def end(self, job: str, outcome: Outcome = "done", stems: Sequence[str] = ()) -> None:
        for stem in stems:
            result = Result(kind="stem", name=stem, folder=f"/out/{job}", file=f"{stem}.wav", seconds=1.0)
            self.scheduler.on_event(Produced(job=job, result=result))
        self.scheduler.on_event(Ended(job=job, outcome=outcome, unix_seconds=1.0))


@asynccontextmanager
async def hall_for(clip: Path, queue_limit: int = 100) -> AsyncIterator[Hall]:
    bus = EventBus()
    scheduler = Scheduler(MemoryStore(), FakeClock(), bus.publish, queue_limit=queue_limit)
    scheduler.run(RecordingRunner())
    scheduler.on_runner_free()
    inspector = HeldInspector()
    inspector.may_answer.set()
    admission = Admission(inspector, scheduler)
    bridge = LocalBridge(
        Settings(),
        bus,
        scheduler,
        admission,
        cast("MidiPlayer", SilentPlayer()),
        ReaderClient(Settings(), scheduler.job),
    )
    serving = serve_osc(bridge, FakeClock(), port=0, defaults=JobRequest(source=""), notice=print)
    async with serving as server:
        yield Hall(scheduler, server, clip, inspector)


@pytest.fixture
async def hall(clip: Path) -> AsyncIterator[Hall]:
    async with hall_for(clip) as hall:
        yield hall


@pytest.fixture
async def client(hall: Hall) -> AsyncIterator[OscClient]:
    async with open_client(port=hall.server.port) as client:
        yield client


def told(messages: Sequence[Message], row: object) -> list[Fields]:
    return [arguments_of(message, row) for message in messages if message.address == row.address]  # type: ignore[arg-type, attr-defined]


async def test_a_job_is_told_with_its_group_where_jobs_are_told(hall: Hall, client: OscClient) -> None:
    first, second = [await hall.submit(client, "take-3") for _ in range(2)]
    alone = str((await client.ask("/sab/submit", str(hall.clip)))[0].arguments[1])
    places = [(fields["job"], fields["group"], fields["position"]) for fields in told(await pushed(client), JOB_GROUP)]
    assert places == [(first, "take-3", 1), (second, "take-3", 2)]
    listed = told(await client.ask("/sab/list"), JOB_GROUP)
    assert [(fields["job"], fields["group"], fields["position"]) for fields in listed] == places
    assert len({fields["group_id"] for fields in listed}) == 1
    assert told(await client.ask("/sab/query", second), JOB_GROUP) == listed[1:]
    assert told(await client.ask("/sab/query", alone), JOB_GROUP) == []
    async with open_client(port=hall.server.port) as late:
        await late.ask("/sab/subscribe", 1)
        state = await pushed(late)
        assert told(state, JOB_GROUP) == listed
        assert [(fields["group"], fields["clips"]) for fields in told(state, GROUP)] == [("take-3", 2)]


async def test_one_line_of_progress_for_all_and_one_end_with_the_counts(hall: Hall, client: OscClient) -> None:
    jobs = [await hall.submit(client, "take") for _ in range(4)]
    await pushed(client)
    hall.progress(jobs[0], 0.5)
    hall.end(jobs[0])
    hall.progress(jobs[1], 0.4)
    hall.end(jobs[1], "failed")
    hall.end(jobs[2], "cancelled")
    hall.end(jobs[3])
    messages = await pushed(client)
    lines = [(line["clips"], line["ended"], line["state"]) for line in told(messages, GROUP)]
    assert lines == [
        (4, 0, "running"), (4, 1, "running"), (4, 1, "running"), (4, 2, "running"), (4, 3, "running"), (4, 4, "failed"),
    ]  # fmt: skip
    fractions = [line["fraction"] for line in told(messages, GROUP)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.125
    assert fractions[-1] == 1.0
    (end,) = told(messages, GROUP_FINISHED)
    counts = (end["outcome"], end["clips"], end["done"], end["failed"], end["cancelled"])
    assert counts == ("failed", 4, 2, 1, 1)
    assert messages[-1].address == GROUP_FINISHED.address
    assert isinstance(event_of(messages[-1]), GroupEnded)


async def test_the_group_ends_only_when_no_clip_is_being_checked_any_more(hall: Hall, client: OscClient) -> None:
    first = await hall.submit(client, "take")
    hall.inspector.may_answer.clear()
    client.send("/sab/submit", str(hall.clip), "group", "take", "req", "r")
    await pushed(client)  # the second one is being checked
    hall.end(first)
    assert told(await pushed(client), GROUP_FINISHED) == []
    hall.inspector.may_answer.set()
    (accepted,) = await client.ask("/sab/submit", str(hall.clip), "group", "take", "req", "r")
    hall.end(str(accepted.arguments[1]))
    messages = await pushed(client)
    assert [end["clips"] for end in told(messages, GROUP_FINISHED)] == [2]
    assert [(line["ended"], line["state"]) for line in told(messages, GROUP)] == [
        (1, "running"),
        (2, "done"),
    ]


async def test_a_group_whose_only_clip_is_being_checked_can_be_cancelled(hall: Hall, client: OscClient) -> None:
    hall.inspector.may_answer.clear()
    client.send("/sab/submit", str(hall.clip), "group", "take", "req", "r")
    await client.ask("/sab/group.cancel", "take")
    hall.inspector.may_answer.set()
    (accepted,) = await client.ask("/sab/submit", str(hall.clip), "group", "take", "req", "r")
    assert hall.scheduler.job(str(accepted.arguments[1])).state == "cancelled"


async def test_results_come_in_the_order_of_the_clips_a_page_at_a_time(hall: Hall, client: OscClient) -> None:
    jobs = [await hall.submit(client, "long take") for _ in range(20)]
    for job in jobs:
        hall.end(job, stems=("vocals", "bass"))
    await pushed(client)
    clips: list[Fields] = []
    files: list[Fields] = []
    following, pages = 1, 0
    while following:
        *page, last = await client.ask("/sab/group.results", "long take", following)
        clips += told(page, GROUP_CLIP)
        files += told(page, GROUP_RESULT)
        following, pages = last.arguments[1], pages + 1  # type: ignore[assignment]
    assert pages == 2
    assert [(clip["position"], clip["job"], clip["state"]) for clip in clips] == [
        (place, job, "done") for place, job in enumerate(jobs, 1)
    ]
    assert [(file["position"], file["name"], file["path"]) for file in files] == [
        (place, stem, f"/out/{job}/{stem}.wav") for place, job in enumerate(jobs, 1) for stem in ("vocals", "bass")
    ]
    beyond = await client.ask("/sab/group.results", "long take", 21)
    assert [message.address for message in beyond] == ["/sab/group.begin", "/sab/group.end"]


async def test_cancelling_a_group_ends_its_clips_and_no_others(hall: Hall, client: OscClient) -> None:
    jobs = [await hall.submit(client, "take") for _ in range(3)]
    other = await hall.submit(client, "other")
    assert await client.ask("/sab/group.cancel", "take") == [Message("/sab/done", ("/sab/group.cancel", "take"))]
    hall.end(jobs[0], "cancelled")
    assert [hall.scheduler.job(job).state for job in (*jobs, other)] == ["cancelled"] * 3 + ["queued"]
    (end,) = told(await pushed(client), GROUP_FINISHED)
    assert (end["outcome"], end["cancelled"]) == ("cancelled", 3)
    await client.ask("/sab/group.cancel", "take")  # again: nothing is left
    assert told(await pushed(client), GROUP_FINISHED) == []


async def test_a_client_names_its_own_group_and_any_group_by_its_id(hall: Hall, client: OscClient) -> None:
    mine = await hall.submit(client, "take")
    async with open_client(port=hall.server.port) as other:
        theirs = await hall.submit(other, "take")
        assert told(await client.ask("/sab/group.results", "take"), GROUP_CLIP)[0]["job"] == mine
        assert told(await other.ask("/sab/group.results", "take"), GROUP_CLIP)[0]["job"] == theirs
        group_id = hall.scheduler.job(theirs).group_id
        assert told(await client.ask("/sab/group.results", group_id), GROUP_CLIP)[0]["job"] == theirs
    async with open_client(port=hall.server.port) as shell:  # it has no group: the newest of that name
        assert told(await shell.ask("/sab/group.results", "take"), GROUP_CLIP)[0]["job"] == theirs
        for address in ("/sab/group.results", "/sab/group.cancel"):
            with pytest.raises(NotFound):
                await shell.ask(address, "none")


async def test_a_name_used_again_after_its_group_is_over_is_another_group(hall: Hall, client: OscClient) -> None:
    hall.end(await hall.submit(client, "take"))
    again = await hall.submit(client, "take")
    clips = told(await client.ask("/sab/group.results", "take"), GROUP_CLIP)
    assert [(clip["job"], clip["position"]) for clip in clips] == [(again, 1)]


async def test_a_refused_clip_stops_no_other_and_leaves_its_position_empty(hall: Hall, client: OscClient) -> None:
    first = await hall.submit(client, "take")
    with pytest.raises(NotFound):
        await client.ask("/sab/submit", "/no/such.wav", "group", "take")
    third = await hall.submit(client, "take")
    assert [hall.scheduler.job(job).position for job in (first, third)] == [1, 3]
    hall.end(first)
    hall.end(third)
    (end,) = told(await pushed(client), GROUP_FINISHED)
    assert (end["clips"], end["done"]) == (2, 2)


async def test_a_repeated_datagram_is_one_clip(hall: Hall, client: OscClient) -> None:
    jobs = {await hall.submit(client, "take", "req", "r") for _ in range(3)}
    assert len(jobs) == 1
    assert hall.scheduler.job(jobs.pop()).position == 1
    assert hall.scheduler.job(await hall.submit(client, "take", "req", "s")).position == 2


@pytest.mark.parametrize("name", ["x" * 65, "a\nb", "a\x1b[31m", "a\u202eb", "a\u2028b"], ids=ascii)
async def test_a_hostile_name_is_refused(hall: Hall, client: OscClient, name: str) -> None:
    with pytest.raises(BadArguments):
        await hall.submit(client, name)
    assert hall.scheduler.jobs() == ()


@pytest.mark.parametrize("name", ["x" * 64, "Ätna 火 🎚", "*", "/sab/cancel", "../..", "-1", "[red]a[/]"])
async def test_an_unusual_name_is_only_text(hall: Hall, client: OscClient, name: str) -> None:
    job = await hall.submit(client, name)
    assert told(await client.ask("/sab/group.results", name), GROUP_CLIP)[0]["group"] == name
    await client.ask("/sab/group.cancel", name)
    hall.end(job, "cancelled")
    (end,) = told(await pushed(client), GROUP_FINISHED)
    assert end["group"] == name


async def test_no_name_is_no_group_and_a_number_is_a_name(hall: Hall, client: OscClient) -> None:
    assert hall.scheduler.job(await hall.submit(client, "")).group_id == ""
    (answer,) = await client.ask("/sab/submit", str(hall.clip), "group", 3)
    assert hall.scheduler.job(str(answer.arguments[1])).request.group.name == "3"


async def test_a_thousand_clips_are_one_group_that_is_cancelled_at_once(clip: Path) -> None:
    async with hall_for(clip, queue_limit=1000) as hall, open_client(port=hall.server.port) as client:
        jobs = [await hall.submit(client, "all") for _ in range(1000)]
        await pushed(client)
        hall.end(jobs[0])
        for job in jobs[1:4]:
            hall.end(job)
        lines = told(await pushed(client), GROUP)
        assert [(line["clips"], line["ended"]) for line in lines] == [(1000, count) for count in (1, 2, 3, 4)]
        await client.ask("/sab/group.cancel", "all")
        hall.end(jobs[4], "cancelled")
        states = [job.state for job in hall.scheduler.jobs()]
        assert (states.count("done"), states.count("cancelled")) == (4, 996)
        assert [job.position for job in hall.scheduler.jobs()] == [*range(1, 1001)]
