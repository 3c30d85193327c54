"""Who talks to the server: where each client listens, what it subscribed to, and what it has already asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bridge.osc.addresses import Message
from bridge.protocols import Clock

DEFAULT_TTL_SECONDS = 60
REQ_MEMORY_SECONDS = 60.0
MAX_CLIENTS = 256
MAX_SOURCES = 1024
MAX_REMEMBERED_REQS = 1024

#: A socket address as asyncio gives it: (host, port), and two numbers more for IPv6.
Endpoint: TypeAlias = tuple[Any, ...]


@dataclass
class Answer:
    """What was answered to a token; None while it is still being worked out."""

    at_seconds: float
    replies: list[Message] | None = None


class Answers:
    """The answers of the last minute by address and token, so that a repeated datagram does nothing twice."""

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
        """For a request that failed: it may be tried again."""
        self._answers.pop((address, req), None)


@dataclass
class Client:
    """One listener. Two senders that announce the same reply port are one client."""

    id: int
    endpoint: Endpoint
    """Where it listens."""
    heard_seconds: float
    speaks_for: Client | None = None
    """Set for a sender that is heard for the first time: the client of its machine that announced a reply port last.

    Tools such as `oscsend` send every message from another port. What they ask for is asked for that client as well.
    """
    ttl_seconds: float | None = None
    """How long a subscription outlasts silence; None: no subscription."""
    jobs: set[str] = field(default_factory=set)
    """Live jobs that it has submitted."""
    followed: set[str] = field(default_factory=set)
    """Those of them that it is told about without a subscription."""
    answers: Answers = field(default_factory=Answers)
    cancellations: int = 0
    """How often it has cancelled all of its jobs."""

    def is_dropped(self, now: float) -> bool:
        """Whether it subscribed and was then silent for longer than its time-to-live."""
        return self.ttl_seconds is not None and now - self.heard_seconds > self.ttl_seconds

    def is_subscribed(self, now: float) -> bool:
        return self.ttl_seconds is not None and not self.is_dropped(now)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where answers go."""
        return tuple(client.endpoint for client in self._both)

    @property
    def owner(self) -> Client:
        """Whose its requests are: itself, or whom it speaks for."""
        return self._both[-1]

    @property
    def memory(self) -> Answers:
        """Where its requests are remembered by their tokens."""
        return self.owner.answers

    @property
    def own_jobs(self) -> set[str]:
        """Live jobs that it, or whom it speaks for, has submitted."""
        return self.owner.jobs

    def subscribe(self, ttl_seconds: float) -> None:
        for client in self._both:
            client.ttl_seconds = ttl_seconds
            client.heard_seconds = self.heard_seconds

    def unsubscribe(self) -> None:
        """From now on it is told only about what it submits later."""
        self.ttl_seconds = None
        self.followed.clear()

    def submitted(self, job: str) -> None:
        for client in self._both:
            client.jobs.add(job)
            client.followed.add(job)

    @property
    def _both(self) -> tuple[Client, ...]:
        return (self,) if self.speaks_for is None else (self, self.speaks_for)


class Clients:
    """Every client that was heard lately. Bounded: whoever floods the port pushes out the longest silent ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._endpoints: dict[Endpoint, Endpoint] = {}  # of senders that listen elsewhere; the newest last
        self._clients: dict[Endpoint, Client] = {}  # by where they listen; the last heard last
        self._announcers: dict[str, Client] = {}  # by machine: who announced a reply port last
        self._last_id = 0

    def heard(self, source: Endpoint) -> Client:
        """The client that sends from `source`; its subscription is good for another time-to-live."""
        endpoint = self._endpoints.get(source, source)
        now = self._clock.monotonic_seconds()
        client = self._clients.pop(endpoint, None)
        if client is None:
            self._last_id += 1
            client = Client(id=self._last_id, endpoint=endpoint, heard_seconds=now, speaks_for=self._announcer(source))
        else:
            client.speaks_for = None  # whoever sends twice from one port listens there
        if client.is_dropped(now):
            client.ttl_seconds = None
        client.heard_seconds = now
        self._clients[endpoint] = client
        self._forget_surplus(now)
        return client

    def of(self, source: Endpoint) -> Client:
        """The client that sends from `source`, which was heard a moment ago."""
        return self._clients.get(self._endpoints.get(source, source)) or self.heard(source)

    def announced(self, source: Endpoint, reply_port: int) -> Client:
        """The client of `source`, which from now on listens on `reply_port` of its machine; 0: where it sends from.

        It keeps its jobs; a client that already listens there takes them over.
        """
        client = self._moved(self.heard(source), source, reply_port)
        client.speaks_for = None
        if reply_port:
            self._announcers[source[0]] = client
        return client

    def _moved(self, client: Client, source: Endpoint, reply_port: int) -> Client:
        endpoint = (source[0], reply_port, *source[2:]) if reply_port else source
        self._endpoints.pop(source, None)
        if endpoint != source:
            self._endpoints[source] = endpoint
            while len(self._endpoints) > MAX_SOURCES:
                del self._endpoints[next(iter(self._endpoints))]
        if endpoint == client.endpoint:
            return client
        del self._clients[client.endpoint]
        there = self._clients.get(endpoint)
        if there is None:
            client.endpoint = endpoint
            self._clients[endpoint] = client
            return client
        there.heard_seconds = client.heard_seconds
        there.jobs |= client.jobs
        there.followed |= client.followed
        return there

    def listeners(self, job: str) -> list[Client]:
        """Who is told about a job: the subscribers, and who submitted it."""
        now = self._clock.monotonic_seconds()
        return [
            client
            for client in self._clients.values()
            if client.is_subscribed(now) or (job in client.followed and not client.is_dropped(now))
        ]

    def audience(self) -> list[Client]:
        """Who wants to know that the server ends: the subscribers, and who waits for a job."""
        now = self._clock.monotonic_seconds()
        return [
            client
            for client in self._clients.values()
            if client.is_subscribed(now) or (client.followed and not client.is_dropped(now))
        ]

    def forget_job(self, job: str) -> None:
        for client in self._clients.values():
            client.jobs.discard(job)
            client.followed.discard(job)

    def _announcer(self, source: Endpoint) -> Client | None:
        client = self._announcers.get(source[0])
        return client if client is not None and self._clients.get(client.endpoint) is client else None

    def _forget_surplus(self, now: float) -> None:
        while len(self._clients) > MAX_CLIENTS:
            idle = (client for client in self._clients.values() if not client.jobs and not client.is_subscribed(now))
            client = next(idle, next(iter(self._clients.values())))
            del self._clients[client.endpoint]
