"""Sends the bridge's events to the peers that subscribed to them, with progress limited to a fixed rate."""

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
from bridge.osc.subscribers import Endpoint, Peers
from bridge.protocols import Bridge, Clock

Send = Callable[[Sequence[Message], Endpoint], None]


class Publisher:
    """Receives the bridge's events, on the event loop.

    When an event arrives, the bridge's `job()` must already reflect it.
    """

    def __init__(self, bridge: Bridge, peers: Peers, clock: Clock, send: Send) -> None:
        self._bridge = bridge
        self._peers = peers
        self._send = send
        self._progress_limit = ProgressLimit(clock)
        self._timer: asyncio.TimerHandle | None = None
        self._deferred: list[Event] | None = None

    def on_event(self, event: Event) -> None:
        if self._deferred is not None:
            self._deferred.append(event)
        else:
            self._publish(event)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defers the block's events to its end, so that a request's answer is sent before its effects."""
        self._deferred = []
        try:
            yield
        finally:
            events, self._deferred = self._deferred, None
            for event in events:
                self._publish(event)

    def close(self) -> None:
        """Drops the progress that is still waiting."""
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
                return  # the worker's last reports of a cancelled job
        for ready in self._progress_limit.admit(event):
            self._push(ready)
        self._set_timer()

    def _push(self, event: pushes.PushedEvent) -> None:
        for peer in self._peers.recipients(event.job):
            self._send(pushes.messages(event, self._job(event.job)), peer.endpoint)
        if isinstance(event, Ended):
            self._peers.forget_job(event.job)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        self._stop_timer()
        wait_seconds = self._progress_limit.wait_seconds()
        if wait_seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(wait_seconds, self._release)

    def _release(self) -> None:
        for ready in self._progress_limit.release():
            self._push(ready)
        self._set_timer()

    def _job(self, job: str) -> Job | None:
        try:
            return self._bridge.job(job)
        except NotFound:
            return None
