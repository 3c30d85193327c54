"""The groups that are not over: which one a request joins, at which position, and when it has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bridge.events import GroupEnded
from bridge.model import Outcome

#: A group that has nothing to do ends after this time, even if its client promised more clips: it may be gone.
PATIENCE_SECONDS = 60.0


@dataclass(eq=False)
class Ticket:
    """A request's place in a group, from its arrival until it is queued or refused."""

    group_id: str
    position: int
    is_cancelled: bool = False
    """Whether the group was cancelled meanwhile."""


@dataclass
class _OpenGroup:
    id: str
    sender: str
    name: str
    next_position: int = 1
    promised: int = 0
    """How many requests its client will send."""
    idle_since: float = 0.0
    """Clock time of its last change."""
    tickets: set[Ticket] = field(default_factory=set)
    jobs: list[str] = field(default_factory=list)
    """Those that are not over, in their order."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)


class OpenGroups:
    """A group is one sender's name, from its first request until no request or job of it is left or promised.

    After that, the same name begins another group.
    """

    def __init__(self, new_id: Callable[[], str], now_seconds: Callable[[], float]) -> None:
        self._new_id = new_id
        self._now_seconds = now_seconds
        self._by_name: dict[tuple[str, str], _OpenGroup] = {}
        self._by_id: dict[str, _OpenGroup] = {}

    def enter(self, sender: str, name: str, clips: int = 0) -> Ticket:
        """The next position in the sender's open group of that name, or the first one in a new group.

        `clips`: how many requests the sender promises for the group.
        """
        group = self._by_name.get((sender, name))
        if group is None:
            group = _OpenGroup(self._new_id(), sender, name)
            self._by_name[sender, name] = self._by_id[group.id] = group
        ticket = Ticket(group.id, group.next_position)
        group.next_position += 1
        group.promised = max(group.promised, clips)
        group.tickets.add(ticket)
        return ticket

    def restore(self, group_id: str, name: str, jobs: Iterable[str], outcomes: Iterable[Outcome]) -> None:
        """A group of an earlier run, with its jobs that are not over, and the outcomes of those that are.

        Its client is gone, so nobody can add to it, and it waits for no clips that were promised.
        """
        group = _OpenGroup(group_id, "", name, jobs=[*jobs], outcomes=Counter(outcomes))
        self._by_id[group_id] = group

    def add(self, ticket: Ticket, job: str) -> None:
        """The request has become this job. Its ticket must still be given back."""
        self._by_id[ticket.group_id].jobs.append(job)

    def give_back(self, ticket: Ticket, *, comes_again: bool = False) -> GroupEnded | None:
        """The request has become a job or was refused; returns the end of the group if it was its last one.

        `comes_again`: its client will send it once more, so it does not count as one that was promised.
        """
        group = self._by_id[ticket.group_id]
        if comes_again and group.promised:
            group.promised += 1
        group.tickets.discard(ticket)
        return self._end_of(group)

    def end(self, group_id: str, job: str, outcome: Outcome) -> GroupEnded | None:
        """A job is over; returns the end of its group if it was the last one."""
        group = self._by_id.get(group_id)
        if group is None or job not in group.jobs:
            return None
        group.jobs.remove(job)
        group.outcomes[outcome] += 1
        return self._end_of(group)

    def cancel(self, group: str, sender: str) -> tuple[tuple[str, ...], GroupEnded | None] | None:
        """Cancels the requests of a group that are still being checked, and waits for no others.

        `group` is the name that `sender` gave it, or its id. Returns its jobs that are not over, in order, and the
        group's end if there is none. None: there is no such open group.
        """
        found = self._by_name.get((sender, group)) or self._by_id.get(group)
        if found is None:
            return None
        found.promised = 0
        for ticket in found.tickets:
            ticket.is_cancelled = True
        return tuple(found.jobs), self._end_of(found)

    def end_idle(self) -> list[GroupEnded]:
        """Ends the groups that only wait for promised clips, and have done so for too long."""
        too_long = self._now_seconds() - PATIENCE_SECONDS
        ends = []
        for group in [*self._by_id.values()]:
            if not group.tickets and not group.jobs and group.idle_since <= too_long:
                group.promised = 0
                ends.append(self._end_of(group))
        return [end for end in ends if end is not None]

    @property
    def are_waiting(self) -> bool:
        """Whether a group only waits for promised clips."""
        return any(not group.tickets and not group.jobs for group in self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def _end_of(self, group: _OpenGroup) -> GroupEnded | None:
        group.idle_since = self._now_seconds()
        if group.tickets or group.jobs or group.next_position <= group.promised:
            return None
        del self._by_id[group.id]
        if self._by_name.get((group.sender, group.name)) is group:
            del self._by_name[group.sender, group.name]
        if not group.outcomes:  # every request was refused
            return None
        counts = {outcome: group.outcomes[outcome] for outcome in ("done", "failed", "cancelled")}
        return GroupEnded(group_id=group.id, name=group.name, **counts)
