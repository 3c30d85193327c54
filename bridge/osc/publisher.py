"""Sends the bridge's events to the peers that subscribed to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bridge.errors import NotFound
from bridge.events import (
    ComputingMoved,
    Ended,
    Event,
    GroupEnded,
    HorizonMoved,
    JobEvent,
    MidiDelayed,
    MidiEvent,
    MidiReady,
    Noticed,
    Progressed,
    Pulled,
    Pulling,
    Requeued,
    Submitted,
    WorkerChanged,
)
from bridge.model import Job
from bridge.osc import pushes
from bridge.osc.addresses import Message
from bridge.osc.codec import encode
from bridge.osc.peers import Peer, Peers
from bridge.osc.traffic.endpoints import Endpoint
from bridge.protocols import Bridge

#: Sends datagrams to an endpoint.
Send = Callable[[Sequence[bytes], Endpoint], None]


class Publisher:
    """Receives the bridge's events, on the event loop.

    When an event arrives, the bridge's `job()` must already reflect it.
    """

    def __init__(self, bridge: Bridge, peers: Peers, send: Send) -> None:
        self._bridge = bridge
        self._peers = peers
        self._send = send
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

    def _publish(self, event: Event) -> None:
        match event:
            case MidiReady() | WorkerChanged() | ComputingMoved() | Noticed() | Pulling() | Pulled():
                return
            case GroupEnded():
                self._push_end_of_group(event)
                return
            case Progressed() if (job := self._job(event.job)) is not None and job.is_over:
                return  # the worker's last reports of a cancelled job
        self._push(event)

    def _push(self, event: JobEvent | MidiEvent | HorizonMoved | MidiDelayed) -> None:
        job = self._job(event.job)
        told = pushes.messages(event, job)
        if job is not None and job.group_id and isinstance(event, (Submitted, Requeued, Progressed, Ended)):
            told += self._progress_of_group(job.group_id)
        self._send_to(self._peers.recipients(event.job), told)
        if isinstance(event, Ended):
            self._peers.forget_job(event.job)

    def _progress_of_group(self, group_id: str) -> list[Message]:
        """Nothing once all its jobs are over: its end is told next, unless a clip is still being checked."""
        group = self._bridge.group(group_id)
        return [] if group.ended == group.clips else [pushes.group_progress(group)]

    def _push_end_of_group(self, event: GroupEnded) -> None:
        told = [pushes.group_progress(self._bridge.group(event.group_id)), *pushes.messages(event, None)]
        self._send_to(self._peers.recipients_of_group(event.group_id), told)
        self._peers.forget_group(event.group_id)

    def _send_to(self, peers: Sequence[Peer], messages: Sequence[Message]) -> None:
        if peers:
            datagrams = [encode(message) for message in messages]
            for peer in peers:
                self._send(datagrams, peer.endpoint)

    def _job(self, job: str) -> Job | None:
        try:
            return self._bridge.job(job)
        except NotFound:
            return None
