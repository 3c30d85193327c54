"""What of the events is worth a call: pure functions of the jobs and their ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.events import Ended, Event, GroupEnded
from bridge.model import Job
from bridge.units import clock_text

#: A job that was done sooner was watched; it makes no toast while the terminal has the focus.
SHORT_SECONDS = 10.0
#: So many failures at once are told one by one; more in one sentence.
TOLD_ONE_BY_ONE = 3


@dataclass(frozen=True)
class News:
    """One call."""

    heading: str
    body: str
    is_failure: bool = False


def news_of(
    events: Iterable[Event], before: Mapping[str, Job], after: Mapping[str, Job], *, is_focused: bool
) -> list[News]:
    """What is to be told of these events.

    Failures always; a done job if it took a while or nobody looks; a group's done clips at its end, together. Nothing
    of what was cancelled, and nothing twice.
    """
    failed: list[Job] = []
    told: list[News] = []
    for event in events:
        if isinstance(event, GroupEnded) and event.outcome != "cancelled":
            counts = ((event.done, "done"), (event.failed, "failed"), (event.cancelled, "cancelled"))
            words = ", ".join(f"{count} {word}" for count, word in counts if count)
            told.append(News(f"{event.name} is over", words, is_failure=event.failed > 0))
        elif isinstance(event, Ended) and (job := after.get(event.job)) is not None:
            if (known := before.get(event.job)) is not None and known.is_over:
                continue
            if event.outcome == "failed":
                failed.append(job)
            elif event.outcome == "done" and not job.group_id and (job.took_seconds > SHORT_SECONDS or not is_focused):
                count = len(job.results)
                files = "1 file" if count == 1 else f"{count} files"
                told.append(News(f"{job.name} is done", f"{files} after {clock_text(job.took_seconds)}"))
    return [*_failures(failed), *told]


def _failures(jobs: list[Job]) -> list[News]:
    if len(jobs) <= TOLD_ONE_BY_ONE:
        return [News(f"{job.name} failed", job.failure.message if job.failure else "", is_failure=True) for job in jobs]
    names = ", ".join(job.name for job in jobs[:TOLD_ONE_BY_ONE])
    return [News(f"{len(jobs)} jobs failed", f"{names} …", is_failure=True)]
