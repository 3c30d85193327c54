"""How much each sender may ask for, so that a flood takes nothing from the others."""

from __future__ import annotations

from bridge.osc.traffic.endpoints import Endpoint, machine_of
from bridge.protocols import Clock

#: What a sender may always send, whatever others on its machine do. Devices send one or two messages a second.
OWN_MESSAGES_A_SECOND = 20.0
OWN_BURST = 40.0
#: How many senders of a machine have such a share of their own at the same time.
MAX_SHARES = 128
SHARE_SECONDS = 10.0
"""A share that was not used for so long may go to another sender."""
#: What the senders of a machine may send together beyond that.
MESSAGES_A_SECOND = 5_000.0
BURST = 10_000.0
#: How often a machine is told that its messages were dropped or are not OSC.
COMPLAINTS_A_SECOND = 4.0
COMPLAINTS_BURST = 8.0
MAX_MACHINES = 256


class TokenBucket:
    """Allows `rate` things a second, and up to `burst` at once after a rest."""

    __slots__ = ("_burst", "_level", "_rate", "used_seconds")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self.used_seconds = now
        """Clock time of the last use."""

    def take(self, now: float, most: int = 1) -> int:
        """How many of `most` things are allowed now; they count as used."""
        taken = min(most, max(int(self._now(now)), 0))
        self._level -= taken
        return taken

    def has_any(self, now: float) -> bool:
        """Whether anything is allowed now; what is used then may be told afterwards with `owe`."""
        return self._now(now) > 0

    def owe(self, count: int) -> None:
        """Takes them, allowed or not: nothing is allowed before the debt is paid by time."""
        self._level -= count

    def _now(self, now: float) -> float:
        self._level = min(self._burst, self._level + (now - self.used_seconds) * self._rate)
        self.used_seconds = now
        return self._level


class Intake:
    """Decides which messages are handled, before they are read.

    Each sender has a small share of its own; beyond it, all senders of a machine draw on a common one. So a sender that
    floods, or a thousand ports of one machine, use up what is common, and a client that was there before goes on.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._machines: dict[str, _Machine] = {}  # the one that was heard last is last

    def admits(self, source: Endpoint) -> bool:
        """Whether the next message of `source` is handled."""
        now = self._clock.monotonic_seconds()
        return self._machine(source, now).take(source, now, 1) == 1

    def admitted(self, source: Endpoint, most: int) -> int:
        """How many of the `most` further messages in the datagram of `source` are handled."""
        now = self._clock.monotonic_seconds()
        return self._machine(source, now).take(source, now, most)

    def may_complain(self, source: Endpoint) -> bool:
        """Whether `source` may be told now that something of it was dropped."""
        now = self._clock.monotonic_seconds()
        return self._machine(source, now).complaints.take(now) == 1

    def _machine(self, source: Endpoint, now: float) -> _Machine:
        name = machine_of(source)
        machine = self._machines.pop(name, None) or _Machine(now)
        self._machines[name] = machine
        if len(self._machines) > MAX_MACHINES:
            del self._machines[next(iter(self._machines))]
        return machine


class _Machine:
    """The shares of one machine's senders."""

    def __init__(self, now: float) -> None:
        self.complaints = TokenBucket(COMPLAINTS_A_SECOND, COMPLAINTS_BURST, now)
        self._common = TokenBucket(MESSAGES_A_SECOND, BURST, now)
        self._shares: dict[Endpoint, TokenBucket] = {}  # the one that was used last is last

    def take(self, source: Endpoint, now: float, most: int) -> int:
        share = self._share(source, now)
        taken = 0 if share is None else share.take(now, most)
        if taken < most:
            taken += self._common.take(now, most - taken)
        if taken < most and len(self._shares) == MAX_SHARES:
            self._shares.pop(source, None)  # who sends more than its share leaves it to others
        return taken

    def _share(self, source: Endpoint, now: float) -> TokenBucket | None:
        share = self._shares.pop(source, None)
        if share is None and len(self._shares) >= MAX_SHARES:
            oldest = next(iter(self._shares))
            if now - self._shares[oldest].used_seconds < SHARE_SECONDS:
                return None
            del self._shares[oldest]
        if share is None:
            share = TokenBucket(OWN_MESSAGES_A_SECOND, OWN_BURST, now)
        self._shares[source] = share
        return share
