"""When the queue will be empty, by how long this machine's last jobs took."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bridge.model import Job

#: Older jobs than these are of another time: other engines, other clips, another load.
JOBS_MEASURED = 9
#: A job of an earlier run that ended after a pause tells nothing: it may have waited for the bridge to start again.
LONGEST_JOB_SECONDS = 6 * 3600.0


def queue_end_seconds(jobs: Sequence[Job]) -> float | None:
    """In how many seconds all jobs that run or wait are done; None: there are none, or nothing was measured yet.

    Of a single job only its own estimate counts, since the last ones may have been of far shorter clips.

    `jobs` are in the order of their submission. One job runs at a time, so one took from the end of the job before it,
    or from its submission, to its own end.
    """
    open_jobs = [job for job in jobs if not job.is_over]
    if not open_jobs:
        return None
    waiting = sum(job.state == "queued" for job in open_jobs)
    typical = _typical_seconds(jobs)
    left = 0.0
    for job in open_jobs:
        if job.state == "running":
            if job.eta_seconds is not None:
                left += max(0.0, job.eta_seconds)
            elif typical is not None and waiting:
                left += typical
            else:
                return None
    if waiting and typical is None:
        return None
    return left + waiting * (typical or 0.0)


def _typical_seconds(jobs: Sequence[Job]) -> float | None:
    ended = [job for job in jobs if job.ended_unix is not None]
    newest = sorted(ended, key=lambda job: job.ended_unix or 0.0)[-JOBS_MEASURED - 1 :]
    took: list[float] = []
    before = newest[0].ended_unix or 0.0 if len(newest) > JOBS_MEASURED else 0.0
    for job in newest[1:] if before else newest:
        end = job.ended_unix or 0.0
        if job.state == "done" and 0 < (seconds := end - max(before, job.submitted_unix)) < LONGEST_JOB_SECONDS:
            took.append(seconds)
        before = end
    return median(took) if took else None
