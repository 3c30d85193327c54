"""The server's peers: where each one listens, what it subscribed to, and which jobs are its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from bridge.errors import TooManyClients
from bridge.osc.traffic.endpoints import Endpoint, machine_of
from bridge.protocols import Clock

DEFAULT_TTL_SECONDS = 60
#: A longer time-to-live counts as this. Programs that are gone keep their places for no longer.
MAX_TTL_SECONDS = 3_600
MAX_PEERS = 1_024
MAX_PEERS_OF_MACHINE = 512
MAX_SUBSCRIBERS = 256
MAX_SUBSCRIBERS_OF_MACHINE = 32
#: A reloaded device sends from another port each time; older ones than these are forgotten.
MAX_SOURCES_OF_PEER = 4
MAX_REMEMBERED_GROUPS = 64
#: Of how many idle peers the one that makes room is chosen.
MAX_COMPARED = 16
#: How long a silent peer without subscription and jobs is remembered, and one that has announced its port.
IDLE_SECONDS = 600.0
ANNOUNCED_IDLE_SECONDS = 43_200.0


@dataclass
class Peer:
    """A program that sends messages and may subscribe. Two senders that announce the same reply port are one peer."""

    id: int
    endpoint: Endpoint
    """Where it listens."""
    last_message_seconds: float
    """Clock time of its last message."""
    name: str = ""
    """As it last said hello; empty: it never did."""
    is_new: bool = True
    """Whether its first message is being handled."""
    sources: list[Endpoint] = field(default_factory=list)
    """Where it sends from, if it has announced another port; the newest last."""
    is_shell: bool = False
    """Whether each of its messages comes from another port, as with `oscsend`: so far, no port was used twice."""
    sends_for: Peer | None = None
    """Set at a sender's first message: the shell on its machine, which then hears the answer as well."""
    ttl_seconds: float | None = None
    """How long the subscription lasts without a message from the peer; None: no subscription."""
    jobs: set[str] = field(default_factory=set)
    """Live jobs that it submitted."""
    followed_jobs: set[str] = field(default_factory=set)
    """Those whose events it receives without a subscription."""
    followed_groups: set[str] = field(default_factory=set)
    """The ids of its groups whose end it is told without a subscription."""
    groups: dict[str, str] = field(default_factory=dict)
    """Its names of its newest groups → their ids; the newest last."""
    cancellations: int = 0
    """How many times it has cancelled all of its jobs."""

    @property
    def machine(self) -> str:
        return machine_of(self.endpoint)

    def is_dropped(self, now: float) -> bool:
        """Whether its subscription has expired: it was silent for longer than its time-to-live."""
        return self.ttl_seconds is not None and now - self.last_message_seconds > self.ttl_seconds

    def is_subscribed(self, now: float) -> bool:
        return self.ttl_seconds is not None and not self.is_dropped(now)

    @property
    def silent_until(self) -> float:
        """Clock time until which its subscription lasts without another message."""
        return self.last_message_seconds + (self.ttl_seconds or 0.0)

    def hears(self, now: float) -> bool:
        """Whether it receives any pushes."""
        return self.is_subscribed(now) or (
            bool(self.followed_jobs or self.followed_groups) and not self.is_dropped(now)
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where its answers are sent."""
        return tuple(peer.endpoint for peer in self.self_and_owner)

    @property
    def owner(self) -> Peer:
        """Whose names of groups and whose tokens its requests use: its own, or those of the shell it sends for."""
        return self.self_and_owner[-1]

    @property
    def self_and_owner(self) -> tuple[Peer, ...]:
        return (self,) if self.sends_for is None else (self, self.sends_for)

    def unsubscribe(self) -> None:
        """From now on it receives only the events of jobs that it submits later."""
        self.ttl_seconds = None
        self.followed_jobs.clear()
        self.followed_groups.clear()

    def add_job(self, job: str, group: str = "", group_id: str = "") -> None:
        """It has submitted a job; `group` is its own name of the job's group."""
        self.jobs.add(job)
        for peer in self.self_and_owner:
            peer.followed_jobs.add(job)
            if group_id:
                peer.followed_groups.add(group_id)
                peer.groups.pop(group, None)
                peer.groups[group] = group_id
                while len(peer.groups) > MAX_REMEMBERED_GROUPS:
                    del peer.groups[next(iter(peer.groups))]


class Peers:
    """All recent peers. Their number is limited, in total and for each machine.

    New ones replace those that have been silent longest, but never one that hears pushes or has live jobs.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._peers: dict[Endpoint, Peer] = {}  # by endpoint; the one with the newest message last
        self._of_machine: dict[str, int] = {}  # how many of them each machine has
        self._endpoints: dict[Endpoint, Endpoint] = {}  # the peers' sources → their endpoints
        self._shells: dict[str, Peer] = {}  # by machine: the one that announced its port last
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._peers)

    def endpoint_of(self, source: Endpoint) -> Endpoint:
        """Where the program that sends from `source` listens."""
        return self._endpoints.get(source, source)

    def renew(self, source: Endpoint) -> Peer:
        """The peer that sends from `source`, with its subscription renewed for another time-to-live.

        If there is no room for a new one, it is a peer that is known for this one message; see `check_room`.
        """
        endpoint = self.endpoint_of(source)
        now = self._clock.monotonic_seconds()
        peer = self._peers.pop(endpoint, None)
        if peer is not None:
            self._peers[endpoint] = peer
            peer.sends_for = None  # a sender that uses the same port twice listens there
            peer.is_new = peer.is_shell = False
            if peer.is_dropped(now):
                peer.ttl_seconds = None
            peer.last_message_seconds = now
            return peer
        shell = self._shells.get(machine_of(source))
        shell = shell if shell is not None and shell.is_shell and self.holds(shell) else None
        self._last_id += 1
        peer = Peer(id=self._last_id, endpoint=endpoint, last_message_seconds=now, sends_for=shell)
        if self._make_room(machine_of(endpoint), now):
            self._add(peer)
        return peer

    def of(self, source: Endpoint) -> Peer:
        """The peer that sends from `source`, which has just been renewed."""
        return self._peers.get(self.endpoint_of(source)) or self.renew(source)

    def holds(self, peer: Peer) -> bool:
        return self._peers.get(peer.endpoint) is peer

    def check_room(self, peer: Peer) -> None:
        """Raises TooManyClients: the peer cannot be remembered, so it could not be told anything later."""
        if not self.holds(peer):
            raise TooManyClients(
                f"The bridge follows {MAX_PEERS_OF_MACHINE} programs of a machine, {MAX_PEERS} in all."
            )

    def announce(self, source: Endpoint, reply_port: int) -> Peer:
        """The peer of `source`, which from now on listens on `reply_port` of its host; 0: on the port it sends from.

        It keeps its jobs; a peer that already listens there takes them over.

        Raises:
            TooManyClients: there is no room for another peer.
        """
        sender = self.of(source)
        endpoint = (source[0], reply_port, *source[2:]) if reply_port else source
        if endpoint not in self._peers:
            self.check_room(sender)
        peer = self._move(sender, source, endpoint)
        peer.sends_for = None
        peer.is_shell = sender.is_new and peer.endpoint != source
        if peer.is_shell:
            self._shells[machine_of(source)] = peer
        return peer

    def subscribe(self, peer: Peer, ttl_seconds: float) -> None:
        """Starts or renews its subscription, and starts or prolongs that of the shell it sends for.

        Raises:
            TooManyClients: too many programs are subscribed.
        """
        self.check_room(peer)
        ttl_seconds = min(ttl_seconds, MAX_TTL_SECONDS)
        now = self._clock.monotonic_seconds()
        if not peer.is_subscribed(now):
            self._check_subscribers(peer, now)
        peer.ttl_seconds = ttl_seconds
        shell = peer.sends_for
        if shell is not None and (not shell.is_subscribed(now) or now + ttl_seconds > shell.silent_until):
            with suppress(TooManyClients):
                if not shell.is_subscribed(now):
                    self._check_subscribers(shell, now)
                shell.ttl_seconds, shell.last_message_seconds = ttl_seconds, now

    def has_subscribed(self, endpoint: Endpoint) -> bool:
        """Whether the peer that listens there receives the pushes of all jobs."""
        peer = self._peers.get(endpoint)
        return peer is not None and peer.is_subscribed(self._clock.monotonic_seconds())

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
        return [peer for peer in self._peers.values() if peer.hears(now)]

    def restore(self, peer: Peer) -> None:
        """Takes up a peer of an earlier run; its time-to-live begins anew."""
        now = self._clock.monotonic_seconds()
        if peer.endpoint not in self._peers and self._make_room(peer.machine, now):
            peer.last_message_seconds = now
            self._add(peer)
            self._last_id = max(self._last_id, peer.id)

    def forget_job(self, job: str) -> None:
        for peer in self._peers.values():
            peer.jobs.discard(job)
            peer.followed_jobs.discard(job)

    def forget_group(self, group_id: str) -> None:
        for peer in self._peers.values():
            peer.followed_groups.discard(group_id)

    def forget_dead(self, endpoint: Endpoint) -> None:
        """Nobody listens there any more."""
        peer = self._peers.get(endpoint)
        if peer is not None:
            peer.unsubscribe()

    def forget_idle(self, is_live: Callable[[str], bool]) -> None:
        """Forgets who has been silent for long, and the jobs that are not live any more."""
        now = self._clock.monotonic_seconds()
        for peer in list(self._peers.values()):
            peer.jobs = set(filter(is_live, peer.jobs))
            peer.followed_jobs = set(filter(is_live, peer.followed_jobs))
            if peer.is_dropped(now):
                peer.unsubscribe()
            limit = ANNOUNCED_IDLE_SECONDS if peer.sources else IDLE_SECONDS
            if not peer.jobs and not peer.hears(now) and now - peer.last_message_seconds > limit:
                self._remove(peer)

    def _check_subscribers(self, peer: Peer, now: float) -> None:
        """Raises TooManyClients."""
        machine = peer.machine
        subscribers = [peer.machine for peer in self._peers.values() if peer.is_subscribed(now)]
        if subscribers.count(machine) >= MAX_SUBSCRIBERS_OF_MACHINE:
            raise TooManyClients(
                f"{MAX_SUBSCRIBERS_OF_MACHINE} programs of your machine are subscribed; more cannot be."
            )
        if len(subscribers) >= MAX_SUBSCRIBERS:
            raise TooManyClients(f"{MAX_SUBSCRIBERS} programs are subscribed; more cannot be.")

    def _make_room(self, machine: str, now: float) -> bool:
        """Makes room for one more peer of that machine; False if none can go."""
        if self._of_machine.get(machine, 0) >= MAX_PEERS_OF_MACHINE:
            return self._remove_idle(now, machine)
        return len(self._peers) < MAX_PEERS or self._remove_idle(now, None)

    def _remove_idle(self, now: float, machine: str | None) -> bool:
        """Removes a peer that has been silent for long, one without an announced port first."""
        idle = (
            peer
            for peer in self._peers.values()
            if machine in (None, peer.machine) and not peer.jobs and not peer.hears(now)
        )
        oldest = list(islice(idle, MAX_COMPARED))
        if oldest:
            self._remove(next((peer for peer in oldest if not peer.sources), oldest[0]))
        return bool(oldest)

    def _move(self, peer: Peer, source: Endpoint, endpoint: Endpoint) -> Peer:
        if source in peer.sources:
            peer.sources.remove(source)
            del self._endpoints[source]
        if endpoint != peer.endpoint:
            existing = self._peers.get(endpoint)
            if self.holds(peer):
                self._remove(peer)
            if existing is None:
                peer.endpoint = endpoint
                self._add(peer)
            else:
                existing.last_message_seconds = peer.last_message_seconds
                existing.jobs |= peer.jobs
                existing.followed_jobs |= peer.followed_jobs
                existing.followed_groups |= peer.followed_groups
                existing.groups |= peer.groups
                peer = existing
        if endpoint != source:
            peer.sources.append(source)
            self._endpoints[source] = endpoint
            for oldest in peer.sources[:-MAX_SOURCES_OF_PEER]:
                del self._endpoints[oldest]
            del peer.sources[:-MAX_SOURCES_OF_PEER]
        return peer

    def _add(self, peer: Peer) -> None:
        machine = peer.machine
        self._peers[peer.endpoint] = peer
        self._of_machine[machine] = self._of_machine.get(machine, 0) + 1
        for source in peer.sources:
            self._endpoints[source] = peer.endpoint

    def _remove(self, peer: Peer) -> None:
        machine = peer.machine
        del self._peers[peer.endpoint]
        self._of_machine[machine] -= 1
        if not self._of_machine[machine]:
            del self._of_machine[machine]
            self._shells.pop(machine, None)
        for source in peer.sources:
            self._endpoints.pop(source, None)
