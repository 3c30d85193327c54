"""The way into the queue, with looks that take as long as a test says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from bridge.errors import NotAudio, QueueFull
from bridge.inspector.admission import Admission
from bridge.model import Job, JobRequest


@dataclass
class PatientInspector:
    """Looks at each file until it is told what comes of it."""

    looks: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    async def inspect(self, request: JobRequest, sender: str = "") -> None:
        del sender
        self.looks[request.source] = asyncio.get_running_loop().create_future()
        await self.looks[request.source]


class Door:
    """An admission, and who has come in, in order."""

    def __init__(self, limit: int = 100) -> None:
        self.inside: list[str] = []
        self.limit = limit
        self.inspector = PatientInspector()
        self.admission = Admission(self.inspector, self._check_room, self._enter)

    def _check_room(self, on_their_way: int) -> None:
        if len(self.inside) + on_their_way >= self.limit:
            raise QueueFull("No room.")

    def _enter(self, request: JobRequest) -> tuple[Job, int]:
        self.inside.append(request.source)
        return Job(id=request.source, name="clip", request=request, submitted_unix=0.0), len(self.inside)

    async def knock(self, *sources: str, sender: str = "me") -> list[asyncio.Task[tuple[Job, int]]]:
        """Each is on its way when this returns."""
        wanted = [JobRequest(source=source) for source in sources]
        tasks = [asyncio.create_task(self.admission.admit(request, sender)) for request in wanted]
        await settled()
        return tasks

    async def seen(self, source: str, error: Exception | None = None) -> None:
        look = self.inspector.looks[source]
        if error is None:
            look.set_result(None)
        else:
            look.set_exception(error)
        await settled()


async def settled() -> None:
    """All that can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_requests_of_one_sender_keep_their_order_whatever_their_looks_take() -> None:
    door = Door()
    tasks = await door.knock("a", "b", "c")
    await door.seen("c")
    await door.seen("b")
    assert door.inside == []
    await door.seen("a")
    assert door.inside == ["a", "b", "c"]
    assert [(await task)[0].id for task in tasks] == ["a", "b", "c"]


async def test_nobody_waits_for_another_senders_look() -> None:
    door = Door()
    await door.knock("slow", sender="one")
    await door.knock("quick", sender="other")
    await door.seen("quick")
    assert door.inside == ["quick"]
    await door.seen("slow")
    assert door.inside == ["quick", "slow"]


async def test_who_is_refused_holds_nobody_up_and_lets_nobody_past() -> None:
    door = Door()
    _, refused, _ = await door.knock("a", "b", "c")
    await door.seen("b", NotAudio("b is no audio."))
    with pytest.raises(NotAudio):
        await refused
    await door.seen("c")
    assert door.inside == [], "c must not pass a"
    await door.seen("a")
    assert door.inside == ["a", "c"]


async def test_who_gives_up_holds_nobody_up_and_lets_nobody_past() -> None:
    door = Door()
    first, second, _ = await door.knock("a", "b", "c")
    second.cancel()
    await door.seen("c")
    assert door.inside == []
    first.cancel()
    await settled()
    assert door.inside == ["c"]


async def test_the_limit_holds_where_many_looks_end_at_once() -> None:
    door = Door(limit=2)
    tasks = await door.knock("a", "b", "c")
    with pytest.raises(QueueFull):
        await tasks[2]
    assert set(door.inspector.looks) == {"a", "b"}, "who has no place is not looked at"
    await door.seen("a", NotAudio("No."))
    await door.knock("d")
    await door.seen("b")
    await door.seen("d")
    assert door.inside == ["b", "d"]


async def test_nothing_is_remembered_of_who_has_passed() -> None:
    door = Door()
    for sender in map(str, range(50)):
        await door.knock(sender, sender=sender)
        await door.seen(sender)
    assert not door.admission._last
