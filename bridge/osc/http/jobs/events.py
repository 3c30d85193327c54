"""`GET /events`: what happens to jobs, as server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html).

Every event has a number of this run. A client that was cut off names the last one that it had, and gets those since;
without one, or where it is too old, it gets the list of jobs first.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import get_args

import msgspec
from aiohttp import web

from bridge.events import Ended, Event, GroupEnded, HorizonMoved, JobEvent, MidiDelayed, MidiEvent, Removed, Restored
from bridge.options.record import event_record, job_record
from bridge.osc.http.answers import HEADERS, no_content
from bridge.osc.http.connections import HttpConnection, connection_of
from bridge.osc.http.view import DEFAULT_JOBS, BridgeView
from bridge.system.waiting import within
from bridge.value import Value

#: Events that a client can still get after it was cut off.
KEPT_EVENTS = 2000
#: Events that may wait for a slow reader; then it is dropped, and may come again.
MAX_WAITING = 500
#: How often a comment tells a client, and what is between, that the connection lives.
HEARTBEAT_SECONDS = 15.0
#: After how many milliseconds a browser asks again.
RETRY_MS = 2000
#: What is told of; every event has a job, but the end of a group.
TOLD = (JobEvent, MidiEvent, GroupEnded, HorizonMoved, MidiDelayed)
LIST = "jobs"


@dataclass(frozen=True)
class _Told:
    number: int
    job: str
    is_last: bool
    """Whether nothing of this job follows."""
    lines: bytes


@dataclass(eq=False)
class _Reader:
    """One stream, while it lasts."""

    job: str
    waiting: deque[_Told] = field(default_factory=deque)
    has_more: asyncio.Event = field(default_factory=asyncio.Event)
    is_dropped: bool = False

    def take(self, told: _Told) -> None:
        if self.job in ("", told.job):
            self.is_dropped = len(self.waiting) >= MAX_WAITING
            if not self.is_dropped:
                self.waiting.append(told)
            self.has_more.set()


class EventStreams:
    """Handles `GET /events`. It listens from the first request on; before that it costs nothing."""

    def __init__(self, view: BridgeView) -> None:
        self._view = view
        self._run = secrets.token_hex(4)
        self._number = 0
        self._kept: deque[_Told] = deque(maxlen=KEPT_EVENTS)
        self._readers: set[_Reader] = set()
        self._unsubscribe: Callable[[], None] = _nothing
        self._listens = self._is_closed = False

    def close(self) -> None:
        """Ends all streams."""
        self._is_closed = True
        self._unsubscribe()
        for reader in self._readers:
            reader.has_more.set()

    async def send(self, request: web.Request) -> web.StreamResponse:
        job = request.query.get("job", "")
        known = self._view.bridge.job(job) if job else None
        if not self._listens:
            self._listens = True
            self._unsubscribe = self._view.bridge.subscribe(self._on_event)
        is_over = known is not None and known.is_over
        missed = self._since(request.headers.get("Last-Event-ID", ""), job)
        if missed == [] and is_over:
            return no_content()  # which tells a browser not to ask again
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        connection = connection_of(request.transport)
        with connection.granted("events"):
            reader = _Reader(job)
            self._readers.add(reader)
            begin = self._list(job) if missed is None else b"".join(one.lines for one in missed)
            try:
                await response.prepare(request)
                await response.write(f"retry: {RETRY_MS}\n\n".encode() + begin)
                connection.lives()
                if not is_over:
                    await self._tell(connection, response, reader)
            finally:
                self._readers.discard(reader)
        return response

    async def _tell(self, connection: HttpConnection, response: web.StreamResponse, reader: _Reader) -> None:
        """Sends events until the stream is over."""
        while not self._is_closed:
            if not reader.waiting:
                reader.has_more.clear()
                try:
                    await within(reader.has_more.wait(), HEARTBEAT_SECONDS)
                except asyncio.TimeoutError:  # another class before Python 3.11
                    await response.write(b":\n\n")
                    connection.lives()
                    continue
            if reader.is_dropped:
                connection.abort()
                return
            told = [reader.waiting.popleft() for _ in range(len(reader.waiting))]
            await response.write(b"".join(one.lines for one in told))
            connection.lives()
            if reader.job and any(one.is_last for one in told):
                return

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, TOLD):
            return
        self._number += 1
        record = event_record(event)
        if isinstance(event, Restored) and event.value is not None:
            record["value"] = job_record(event.value)
        kind, job = str(record["type"]), str(record.get("job", ""))
        told = _Told(self._number, job, isinstance(event, (Ended, Removed)), self._lines(kind, record))
        self._kept.append(told)
        for reader in self._readers:
            reader.take(told)

    def _lines(self, kind: str, value: object) -> bytes:
        number = f"id: {self._run}-{self._number}\nevent: {kind}\ndata: "
        return number.encode() + msgspec.json.encode(value) + b"\n\n"

    def _list(self, job: str) -> bytes:
        if job:
            return self._lines(LIST, {"total": 1, "jobs": [self._view.summary(job)]})
        return self._lines(LIST, self._view.jobs(DEFAULT_JOBS))

    def _since(self, last: str, job: str) -> list[_Told] | None:
        """The events after the one that a client had last; None: it must get the list."""
        run, _, digits = last.partition("-")
        if run != self._run or not (digits.isascii() and digits.isdigit() and len(digits) < 16):
            return None
        number = int(digits)
        oldest = self._kept[0].number if self._kept else self._number + 1
        if not oldest - 1 <= number <= self._number:
            return None
        return [told for told in self._kept if told.number > number and job in ("", told.job)]


def event_kinds() -> tuple[type[Value], ...]:
    """The kinds of events that are told, for the description."""
    return tuple(one for kind in TOLD for one in (get_args(kind) or (kind,)))


def _nothing() -> None: ...
