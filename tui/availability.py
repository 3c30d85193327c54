"""Which actions are possible now: the footer greys out the others, and the command palette omits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bridge.groups.group import Group
from bridge.model import Job


def _has_notes(job: Job) -> bool:
    return job.is_over and any(result.kind == "midi" for result in job.results)


#: Action → what the selected job must be for it.
_JOB_CONDITIONS: Mapping[str, Callable[[Job], bool]] = {
    "play": _has_notes,
    "follow": _has_notes,
    "tempo": lambda job: _has_notes(job) and job.music is not None,
    "results": lambda job: bool(job.results),
    "open": lambda job: True,  # noqa: ARG005
    "clips": lambda job: bool(job.group_id),
}
#: What acts on the table of jobs: other screens have their own keys.
OF_MAIN_SCREEN = frozenset({*_JOB_CONDITIONS, "connections", "open"})
_NEEDS_BRIDGE = frozenset({"connections", "open", "play", "follow", "tempo", "stop", "panic", "leave_running"})


def is_possible(action: str, row: Job | Group | None, *, bridge_is_open: bool) -> bool:
    """Whether `action` is possible while `row` is selected; `bridge_is_open` is False before and while it closes."""
    if action in _NEEDS_BRIDGE and not bridge_is_open:
        return False
    if action not in _JOB_CONDITIONS:
        return True
    if isinstance(row, Group):
        return action in ("clips", "open")
    return row is not None and _JOB_CONDITIONS[action](row)


#: Action → what one of the jobs must be that it acts on.
_DESK_CONDITIONS: Mapping[str, Callable[[Job], bool]] = {
    "cancel_job": lambda job: not job.is_over,
    "retry": lambda job: job.state in ("failed", "cancelled"),
    "remove": lambda job: job.is_over,
    "open_folder": lambda job: bool(job.output_dir),
    "copy_folder": lambda job: bool(job.output_dir),
}
_DESK_NEEDS_BRIDGE = frozenset({"add", "live", "cancel_job", "retry", "again", "remove", "undo", "open_folder"})


def can_act(action: str, jobs: Sequence[Job], *, bridge_is_open: bool, can_undo: bool) -> bool:
    """Whether an action of the table is possible with one of these jobs."""
    if action in _DESK_NEEDS_BRIDGE and not bridge_is_open:
        return False
    if action == "undo":
        return can_undo
    if action == "again":
        return len(jobs) == 1
    return action not in _DESK_CONDITIONS or any(map(_DESK_CONDITIONS[action], jobs))
