"""Admission to the queue, with inspections whose end the test controls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

import pytest

from bridge.errors import NotAudio, QueueFull
from bridge.events import GroupEnded
from bridge.groups.open_groups import OpenGroups, Ticket
from bridge.inspector.admission import Admission
from bridge.model import Job
from bridge.protocols.looking import FileLook
from bridge.request import GroupChoice, JobRequest


@dataclass
class ControlledInspector:
    """Inspects each file until the test sets the answer."""

    pending: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    async def inspect(self, request: JobRequest, sender: str = "") -> None:
        del sender
        self.pending[request.source] = asyncio.get_running_loop().create_future()
        await self.pending[request.source]

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        return tuple(FileLook(path=path) for path in paths)


@dataclass
class FakeQueue:
    """A queue that nothing leaves."""

    limit: int
    sources: list[str] = field(default_factory=list)
    groups: OpenGroups = field(default_factory=lambda: OpenGroups(lambda: "group", lambda: 0.0))
    ends: list[GroupEnded | None] = field(default_factory=list)

    def check_room(self, pending: int = 0) -> None:
        if len(self.sources) + pending >= self.limit:
            raise QueueFull("No room.")

    def enter_group(self, request: JobRequest, sender: str) -> Ticket | None:
        return self.groups.enter(sender, request.group.name, request.group.clips) if request.group.name else None

    def leave_group(self, ticket: Ticket, *, was_full: bool = False) -> None:
        self.ends.append(self.groups.give_back(ticket, comes_again=was_full))

    def accept(self, request: JobRequest, ticket: Ticket | None = None, origin: str = "") -> Awaitable[tuple[Job, int]]:
        del origin
        self.check_room()
        self.sources.append(request.source)
        if ticket is not None:
            self.groups.add(ticket, request.source)
        position = 0 if ticket is None else ticket.position
        job = Job(id=request.source, name="clip", request=request, submitted_unix=0.0, position=position)
        place = len(self.sources)

        async def kept() -> tuple[Job, int]:
            return job, place

        return kept()


class AdmissionBench:
    """An admission, and the queued sources in order."""

    def __init__(self, limit: int = 100) -> None:
        self.queue = FakeQueue(limit)
        self.queued = self.queue.sources
        self.inspector = ControlledInspector()
        self.admission = Admission(self.inspector, self.queue)

    async def submit(
        self, *sources: str, sender: str = "me", group: str = "", clips: int = 0
    ) -> list[asyncio.Task[tuple[Job, int]]]:
        """Each request is being inspected when this returns."""
        choice = GroupChoice(name=group, clips=clips)
        wanted = [JobRequest(source=source, group=choice) for source in sources]
        tasks = [asyncio.create_task(self.admission.admit(request, sender)) for request in wanted]
        await settled()
        return tasks

    async def inspected(self, source: str, error: Exception | None = None) -> None:
        answer = self.inspector.pending[source]
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
        await settled()


async def settled() -> None:
    """Lets all tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_requests_of_one_sender_keep_their_order_whatever_their_inspections_take() -> None:
    bench = AdmissionBench()
    tasks = await bench.submit("a", "b", "c")
    await bench.inspected("c")
    await bench.inspected("b")
    assert bench.queued == []
    await bench.inspected("a")
    assert bench.queued == ["a", "b", "c"]
    assert [(await task)[0].id for task in tasks] == ["a", "b", "c"]


async def test_no_sender_waits_for_another_senders_inspection() -> None:
    bench = AdmissionBench()
    await bench.submit("slow", sender="one")
    await bench.submit("quick", sender="other")
    await bench.inspected("quick")
    assert bench.queued == ["quick"]
    await bench.inspected("slow")
    assert bench.queued == ["quick", "slow"]


async def test_a_refused_request_neither_blocks_nor_reorders_others() -> None:
    bench = AdmissionBench()
    _, refused, _ = await bench.submit("a", "b", "c")
    await bench.inspected("b", NotAudio("b is no audio."))
    with pytest.raises(NotAudio):
        await refused
    await bench.inspected("c")
    assert bench.queued == [], "c must not pass a"
    await bench.inspected("a")
    assert bench.queued == ["a", "c"]


async def test_a_cancelled_request_neither_blocks_nor_reorders_others() -> None:
    bench = AdmissionBench()
    first, second, _ = await bench.submit("a", "b", "c")
    second.cancel()
    await bench.inspected("c")
    assert bench.queued == []
    first.cancel()
    await settled()
    assert bench.queued == ["c"]


async def test_the_queue_limit_counts_pending_requests() -> None:
    bench = AdmissionBench(limit=2)
    tasks = await bench.submit("a", "b", "c")
    with pytest.raises(QueueFull):
        await tasks[2]
    assert set(bench.inspector.pending) == {"a", "b"}, "a request without room in the queue is not inspected"
    await bench.inspected("a", NotAudio("No."))
    with pytest.raises(NotAudio):
        await tasks[0]
    await bench.submit("d")
    await bench.inspected("b")
    await bench.inspected("d")
    assert bench.queued == ["b", "d"]


async def test_nothing_is_stored_for_a_sender_without_pending_requests() -> None:
    bench = AdmissionBench()
    for sender in map(str, range(50)):
        await bench.submit(sender, sender=sender)
        await bench.inspected(sender)
    assert not bench.admission._last


async def test_positions_in_a_group_are_those_of_the_requests_also_where_one_is_refused() -> None:
    bench = AdmissionBench()
    first, refused, third = await bench.submit("a", "b", "c", group="take")
    await bench.inspected("c")
    await bench.inspected("b", NotAudio("b is no audio."))
    await bench.inspected("a")
    with pytest.raises(NotAudio):
        await refused
    assert [(await task)[0].position for task in (first, third)] == [1, 3]


async def test_a_group_whose_requests_are_all_refused_never_ends_and_is_forgotten() -> None:
    bench = AdmissionBench()
    tasks = await bench.submit("a", "b", group="take")
    for source in ("a", "b"):
        await bench.inspected(source, NotAudio("No."))
    await asyncio.gather(*tasks, return_exceptions=True)
    assert bench.queue.ends == [None, None]
    assert len(bench.queue.groups) == 0


async def test_a_request_without_room_takes_no_position() -> None:
    bench = AdmissionBench(limit=1)
    (first,) = await bench.submit("a", group="take")
    (full,) = await bench.submit("b", group="take")
    with pytest.raises(QueueFull):
        await full
    bench.queue.limit = 2
    (second,) = await bench.submit("c", group="take")
    for source in ("a", "c"):
        await bench.inspected(source)
    assert [(await task)[0].position for task in (first, second)] == [1, 2]


async def test_a_request_for_which_the_queue_became_full_meanwhile_is_still_promised() -> None:
    bench = AdmissionBench(limit=1)
    (first,) = await bench.submit("a", group="take", clips=1)
    bench.queue.limit = 0
    await bench.inspected("a")
    with pytest.raises(QueueFull):
        await first
    bench.queue.limit = 1
    (again,) = await bench.submit("b", group="take", clips=1)
    await bench.inspected("b")
    assert (await again)[0].position == 2
    assert bench.queue.groups.end("group", "b", "done") is not None
