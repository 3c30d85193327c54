"""Tells the clients what happens: the bridge's events, at the pace they can take, to those who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bridge.errors import NotFound
from bridge.events import (
    Ended,
    Event,
    MidiEnded,
    MidiMoved,
    MidiReady,
    MidiStarted,
    MidiWaiting,
    Noticed,
    Progressed,
    Submitted,
    WorkerChanged,
)
from bridge.model import Job
from bridge.osc import pushes
from bridge.osc.addresses import Message
from bridge.osc.progress_limit import ProgressLimit
from bridge.osc.subscribers import Clients, Endpoint
from bridge.protocols import Bridge, Clock

Send = Callable[[Sequence[Message], Endpoint], None]


class Publisher:
    """A listener of the bridge; must live on the event loop.

    An event is expected after the bridge's own `job()` knows it.
    """

    def __init__(self, bridge: Bridge, clients: Clients, clock: Clock, send: Send) -> None:
        self._bridge = bridge
        self._clients = clients
        self._send = send
        self._pacer = ProgressLimit(clock)
        self._timer: asyncio.TimerHandle | None = None
        self._held: list[Event] | None = None

    def on_event(self, event: Event) -> None:
        if self._held is not None:
            self._held.append(event)
        else:
            self._publish(event)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps back what happens within, so that the answer to a request comes before what the request has caused."""
        self._held = []
        try:
            yield
        finally:
            events, self._held = self._held, None
            for event in events:
                self._publish(event)

    def close(self) -> None:
        """Sends no more progress that was held back."""
        self._stop_timer()

    def _publish(self, event: Event) -> None:
        match event:
            case MidiReady() | WorkerChanged() | Noticed():
                return
            case MidiWaiting() | MidiStarted() | MidiMoved() | MidiEnded():
                self._push(event)
                return
            case Submitted():
                event = Progressed(job=event.job, stage="queued", fraction=0.0)
            case Progressed() if (job := self._job(event.job)) is not None and job.is_over:
                return  # the worker's last words about a job that was cancelled
        for ready in self._pacer.admit(event):
            self._push(ready)
        self._set_timer()

    def _push(self, event: pushes.Told) -> None:
        for client in self._clients.listeners(event.job):
            self._send(pushes.messages(event, self._job(event.job)), client.endpoint)
        if isinstance(event, Ended):
            self._clients.forget_job(event.job)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        self._stop_timer()
        wait_seconds = self._pacer.wait_seconds()
        if wait_seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(wait_seconds, self._release)

    def _release(self) -> None:
        for ready in self._pacer.release():
            self._push(ready)
        self._set_timer()

    def _job(self, job: str) -> Job | None:
        try:
            return self._bridge.job(job)
        except NotFound:
            return None
