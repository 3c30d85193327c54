"""Which actions are possible now: the footer greys out the others, and the command palette omits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.groups.group import Group
from bridge.model import Job


def _has_notes(job: Job) -> bool:
    return job.is_over and any(result.kind == "midi" for result in job.results)


#: Action → what the selected job must be for it.
_JOB_CONDITIONS: Mapping[str, Callable[[Job], bool]] = {
    "cancel_job": lambda job: not job.is_over,
    "play": _has_notes,
    "follow": _has_notes,
    "tempo": lambda job: _has_notes(job) and job.music is not None,
    "results": lambda job: bool(job.results),
    "clips": lambda job: bool(job.group_id),
}
#: What acts on the table of jobs: other screens have their own keys.
OF_MAIN_SCREEN = frozenset({*_JOB_CONDITIONS, "add", "live", "connections", "models", "settings"})
_NEEDS_BRIDGE = frozenset(
    {
        "connections",
        "models",
        "settings",
        "add",
        "live",
        "cancel_job",
        "play",
        "follow",
        "tempo",
        "stop",
        "panic",
        "leave_running",
    }
)


def is_possible(action: str, row: Job | Group | None, *, bridge_is_open: bool) -> bool:
    """Whether `action` is possible while `row` is selected; `bridge_is_open` is False before and while it closes."""
    if action in _NEEDS_BRIDGE and not bridge_is_open:
        return False
    if action not in _JOB_CONDITIONS:
        return True
    if isinstance(row, Group):
        return action == "clips" or (action == "cancel_job" and not row.is_over)
    return row is not None and _JOB_CONDITIONS[action](row)
