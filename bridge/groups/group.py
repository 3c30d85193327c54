"""A group as a fold of its jobs: pure functions, used by OSC, the screen, the command line and the tests."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from bridge.errors import NotFound
from bridge.events import GroupEnded, Removed, Restored
from bridge.model import Job, State
from bridge.value import Value

#: The share that is told of a group whose jobs are all over, while another one is still being checked.
ALMOST = 0.999


class Group(Value, frozen=True, kw_only=True):
    """Several jobs that one client submitted under one name."""

    id: str
    """Never used twice."""
    name: str
    """As its client calls it."""
    jobs: tuple[Job, ...] = ()
    """By their positions."""
    to_come: int = 0
    """How many more clips are known to follow."""
    fraction: float = 0.0
    """Share of all clips that is done, 0–1; never falls, and is 1 once the group is over."""
    is_over: bool = False

    @property
    def clips(self) -> int:
        return len(self.jobs) + self.to_come

    @property
    def ended(self) -> int:
        """How many clips are over."""
        return sum(job.is_over for job in self.jobs)

    @property
    def state(self) -> State:
        """`running` from the first clip's start to the last one's end; then as `GroupEnded.outcome`."""
        if self.is_over:
            return ending_of(self).outcome
        return "queued" if all(job.state == "queued" for job in self.jobs) else "running"

    def count(self, state: State) -> int:
        return sum(job.state == state for job in self.jobs)


def group_with(group: Group | None, job: Job, to_come: int | None = None) -> Group:
    """The group after a change of one of its jobs, or with a new one.

    Args:
        group: None: the job is its first.
        to_come: how many more clips will follow; None: as many as the jobs' requests promise.
    """
    if group is None:
        group = Group(id=job.group_id, name=job.request.group.name)
    place = bisect_left(group.jobs, job.position, key=lambda member: member.position)
    is_known = place < len(group.jobs) and group.jobs[place].id == job.id
    jobs = (*group.jobs[:place], job, *group.jobs[place + is_known :])
    if to_come is None:
        promised = max(member.request.group.clips for member in jobs)
        to_come = 0 if group.is_over else max(0, promised - jobs[-1].position)
    share = sum(1.0 if member.is_over else member.fraction for member in jobs) / (len(jobs) + to_come)
    fraction = group.fraction if group.is_over else max(group.fraction, min(share, ALMOST))
    return replace(group, jobs=jobs, to_come=to_come, fraction=fraction)


def ended_group(group: Group) -> Group:
    """The group after its `GroupEnded`."""
    return replace(group, to_come=0, fraction=1.0, is_over=True)


def groups_of(jobs: Iterable[Job]) -> Mapping[str, Group]:
    """The groups of a history by their ids, in the order of their first jobs; over where all of their jobs are."""
    members: dict[str, list[Job]] = {}
    for job in jobs:
        if job.group_id:
            members.setdefault(job.group_id, []).append(job)
    return {group_id: _made_of(found) for group_id, found in members.items()}


def take_or_put(event: Removed | Restored, jobs: dict[str, Job], groups: dict[str, Group]) -> None:
    """Takes a job off the list, or puts it in its place by the time of its submission, with its group."""
    if isinstance(event, Removed):
        job = jobs.pop(event.job, None)
    else:
        job = event.value
        if job is not None:
            jobs[job.id] = job
            in_order = sorted(jobs.values(), key=lambda known: known.submitted_unix)
            jobs.clear()
            jobs.update({known.id: known for known in in_order})
    if job is not None and job.group_id:
        groups.pop(job.group_id, None)
        groups.update(groups_of(other for other in jobs.values() if other.group_id == job.group_id))


def ending_of(group: Group) -> GroupEnded:
    """The counts of a group that is over."""
    return GroupEnded(
        group_id=group.id,
        name=group.name,
        done=group.count("done"),
        failed=group.count("failed"),
        cancelled=group.count("cancelled"),
    )


def unknown_group(group: str) -> NotFound:
    return NotFound(f"There is no group {group!r}.", advice="The list of jobs tells the groups that are known.")


def _made_of(jobs: list[Job]) -> Group:
    *others, last = sorted(jobs, key=lambda job: job.position)
    group = Group(id=last.group_id, name=last.request.group.name, jobs=tuple(others))
    group = group_with(group, last)
    return ended_group(group) if all(job.is_over for job in jobs) else group
