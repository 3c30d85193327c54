"""The server's peers: where each one listens, what it subscribed to, and its recent requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bridge.osc.addresses import Message
from bridge.protocols import Clock

DEFAULT_TTL_SECONDS = 60
REQ_MEMORY_SECONDS = 60.0
MAX_PEERS = 256
MAX_SOURCES = 1024
MAX_REMEMBERED_REQS = 1024
MAX_REMEMBERED_GROUPS = 64

#: A socket address as asyncio gives it: (host, port), and two more numbers for IPv6.
Endpoint: TypeAlias = tuple[Any, ...]


@dataclass
class Answer:
    """The answer to a request with a token."""

    at_seconds: float
    replies: list[Message] | None = None
    """None: not answered yet."""


class RecentAnswers:
    """The answers of the last minute by address and token, so that a repeated datagram has no second effect."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Answer] = {}  # oldest first

    def recall(self, address: str, req: str, now: float) -> Answer | None:
        answer = self._answers.get((address, req))
        return answer if answer is not None and now - answer.at_seconds <= REQ_MEMORY_SECONDS else None

    def begin(self, address: str, req: str, now: float) -> Answer:
        self.forget(address, req)
        answer = self._answers[address, req] = Answer(at_seconds=now)
        for key, old in list(self._answers.items()):
            if len(self._answers) <= MAX_REMEMBERED_REQS and now - old.at_seconds <= REQ_MEMORY_SECONDS:
                break
            del self._answers[key]
        return answer

    def forget(self, address: str, req: str) -> None:
        """Forgets a request that failed, so that it can be sent again."""
        self._answers.pop((address, req), None)


@dataclass
class Peer:
    """A program that sends messages and may subscribe. Two senders that announce the same reply port are one peer."""

    id: int
    endpoint: Endpoint
    """Where it listens."""
    last_message_seconds: float
    """Clock time of its last message."""
    sends_for: Peer | None = None
    """Set at a sender's first message: the peer on its machine that announced a reply port last.

    Tools such as `oscsend` send every message from another port. Their requests count for that peer as well.
    """
    ttl_seconds: float | None = None
    """How long the subscription lasts without a message from the peer; None: no subscription."""
    jobs: set[str] = field(default_factory=set)
    """Live jobs that it submitted."""
    followed_jobs: set[str] = field(default_factory=set)
    """Those of its jobs whose events it receives without a subscription."""
    followed_groups: set[str] = field(default_factory=set)
    """The ids of its groups whose end it is told without a subscription."""
    groups: dict[str, str] = field(default_factory=dict)
    """Its names of its newest groups → their ids; the newest last."""
    answers: RecentAnswers = field(default_factory=RecentAnswers)
    cancellations: int = 0
    """How many times it has cancelled all of its jobs."""

    def is_dropped(self, now: float) -> bool:
        """Whether its subscription has expired: it was silent for longer than its time-to-live."""
        return self.ttl_seconds is not None and now - self.last_message_seconds > self.ttl_seconds

    def is_subscribed(self, now: float) -> bool:
        return self.ttl_seconds is not None and not self.is_dropped(now)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where its answers are sent."""
        return tuple(peer.endpoint for peer in self._self_and_owner)

    @property
    def owner(self) -> Peer:
        """The peer that its requests belong to: itself, or the one it sends for."""
        return self._self_and_owner[-1]

    @property
    def recent_answers(self) -> RecentAnswers:
        """Its owner's recent answers."""
        return self.owner.answers

    @property
    def own_jobs(self) -> set[str]:
        """Live jobs that its owner submitted."""
        return self.owner.jobs

    def subscribe(self, ttl_seconds: float) -> None:
        for peer in self._self_and_owner:
            peer.ttl_seconds = ttl_seconds
            peer.last_message_seconds = self.last_message_seconds

    def unsubscribe(self) -> None:
        """From now on it receives only the events of jobs that it submits later."""
        self.ttl_seconds = None
        self.followed_jobs.clear()
        self.followed_groups.clear()

    def add_job(self, job: str, group: str = "", group_id: str = "") -> None:
        """It has submitted a job; `group` is its own name of the job's group."""
        for peer in self._self_and_owner:
            peer.jobs.add(job)
            peer.followed_jobs.add(job)
            if group_id:
                peer.followed_groups.add(group_id)
                peer.groups.pop(group, None)
                peer.groups[group] = group_id
                while len(peer.groups) > MAX_REMEMBERED_GROUPS:
                    del peer.groups[next(iter(peer.groups))]

    @property
    def _self_and_owner(self) -> tuple[Peer, ...]:
        return (self,) if self.sends_for is None else (self, self.sends_for)


class Peers:
    """All recent peers. Their number is limited: new ones replace those that have been silent longest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._endpoints: dict[Endpoint, Endpoint] = {}  # source → endpoint, where they differ; the newest last
        self._peers: dict[Endpoint, Peer] = {}  # by endpoint; the one with the newest message last
        self._announcers: dict[str, Peer] = {}  # by host: the peer that announced a reply port last
        self._last_id = 0

    def renew(self, source: Endpoint) -> Peer:
        """The peer that sends from `source`, with its subscription renewed for another time-to-live."""
        endpoint = self._endpoints.get(source, source)
        now = self._clock.monotonic_seconds()
        peer = self._peers.pop(endpoint, None)
        if peer is None:
            self._last_id += 1
            peer = Peer(
                id=self._last_id, endpoint=endpoint, last_message_seconds=now, sends_for=self._announcer(source)
            )
        else:
            peer.sends_for = None  # a sender that uses the same port twice listens there
        if peer.is_dropped(now):
            peer.ttl_seconds = None
        peer.last_message_seconds = now
        self._peers[endpoint] = peer
        self._forget_surplus(now)
        return peer

    def of(self, source: Endpoint) -> Peer:
        """The peer that sends from `source`, which has just been renewed."""
        return self._peers.get(self._endpoints.get(source, source)) or self.renew(source)

    def announce(self, source: Endpoint, reply_port: int) -> Peer:
        """The peer of `source`, which from now on listens on `reply_port` of its host; 0: on the port it sends from.

        It keeps its jobs; a peer that already listens there takes them over.
        """
        peer = self._move(self.renew(source), source, reply_port)
        peer.sends_for = None
        if reply_port:
            self._announcers[source[0]] = peer
        return peer

    def _move(self, peer: Peer, source: Endpoint, reply_port: int) -> Peer:
        endpoint = (source[0], reply_port, *source[2:]) if reply_port else source
        self._endpoints.pop(source, None)
        if endpoint != source:
            self._endpoints[source] = endpoint
            while len(self._endpoints) > MAX_SOURCES:
                del self._endpoints[next(iter(self._endpoints))]
        if endpoint == peer.endpoint:
            return peer
        del self._peers[peer.endpoint]
        existing = self._peers.get(endpoint)
        if existing is None:
            peer.endpoint = endpoint
            self._peers[endpoint] = peer
            return peer
        existing.last_message_seconds = peer.last_message_seconds
        existing.jobs |= peer.jobs
        existing.followed_jobs |= peer.followed_jobs
        existing.followed_groups |= peer.followed_groups
        existing.groups |= peer.groups
        return existing

    def recipients(self, job: str) -> list[Peer]:
        """The peers that receive a job's events: the subscribers, and the one that submitted it."""
        now = self._clock.monotonic_seconds()
        return [
            peer
            for peer in self._peers.values()
            if peer.is_subscribed(now) or (job in peer.followed_jobs and not peer.is_dropped(now))
        ]

    def recipients_of_group(self, group_id: str) -> list[Peer]:
        """The peers that are told the end of a group: the subscribers, and the one that submitted it."""
        now = self._clock.monotonic_seconds()
        return [
            peer
            for peer in self._peers.values()
            if peer.is_subscribed(now) or (group_id in peer.followed_groups and not peer.is_dropped(now))
        ]

    def all_recipients(self) -> list[Peer]:
        """The peers that receive events of any job; they are notified when the server starts or ends."""
        now = self._clock.monotonic_seconds()
        return [
            peer
            for peer in self._peers.values()
            if peer.is_subscribed(now) or (peer.followed_jobs and not peer.is_dropped(now))
        ]

    def forget_job(self, job: str) -> None:
        for peer in self._peers.values():
            peer.jobs.discard(job)
            peer.followed_jobs.discard(job)

    def forget_group(self, group_id: str) -> None:
        for peer in self._peers.values():
            peer.followed_groups.discard(group_id)

    def _announcer(self, source: Endpoint) -> Peer | None:
        peer = self._announcers.get(source[0])
        return peer if peer is not None and self._peers.get(peer.endpoint) is peer else None

    def _forget_surplus(self, now: float) -> None:
        while len(self._peers) > MAX_PEERS:
            idle = (peer for peer in self._peers.values() if not peer.jobs and not peer.is_subscribed(now))
            peer = next(idle, next(iter(self._peers.values())))
            del self._peers[peer.endpoint]
