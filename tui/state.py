"""Everything on the screen, as a pure fold of the bridge's events, live or replayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bridge.events import (
    Event,
    JobEvent,
    MidiEnded,
    MidiReady,
    MidiStarted,
    MidiWaiting,
    Progressed,
    Started,
    Submitted,
    WorkerChanged,
)
from bridge.lifecycle import apply
from bridge.model import Job, MidiStatus, Status
from tui.log_lines import LogLine, log_line

#: The most lines that the log holds; older ones are dropped.
LOG_LIMIT = 10_000


@dataclass(frozen=True)
class ViewState:
    """What the widgets show. `playing` and `armed` hold (job, stem) pairs."""

    jobs: Mapping[str, Job] = field(default_factory=dict)
    midi: MidiStatus = field(default_factory=MidiStatus)
    worker: str = ""
    """`starting`, `ready`, `busy`, `down` or `closing`; empty until the bridge is open."""
    engine: str = ""
    device: str = ""
    playing: frozenset[tuple[str, str]] = frozenset()
    armed: frozenset[tuple[str, str]] = frozenset()
    """The notes that wait for the DAW's transport to start."""
    log: tuple[LogLine, ...] = ()
    lines_logged: int = 0
    """The number of lines ever logged: shows which lines of `log` are new."""

    @property
    def unfinished(self) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs.values() if not job.is_over)


def initial_view(jobs: Iterable[Job], status: Status, address: str, unix_seconds: float) -> ViewState:
    """The state of a bridge before the first event that will be folded in."""
    listening = LogLine(unix_seconds, "info", f"listening on {address}")
    return ViewState(
        jobs=MappingProxyType({job.id: job for job in jobs}),
        midi=status.midi,
        worker=status.worker,
        engine=status.engine,
        device=status.device,
        log=(listening,),
        lines_logged=1,
    )


def view_after(state: ViewState, events: Iterable[Event], unix_seconds: float) -> ViewState:
    """The state after `events`; `unix_seconds` is the time of their log lines.

    Never raises: an event of an unknown job changes nothing.
    """
    jobs = dict(state.jobs)
    lines: list[LogLine] = []
    for event in events:
        before = jobs.get(event.job) if isinstance(event, JobEvent) else None
        if isinstance(event, Submitted) or (before is not None and isinstance(event, JobEvent)):
            jobs[event.job] = after = apply(before, event)
            if after is before and not isinstance(event, Progressed):
                continue  # a repeated event, or the job is finished
            if isinstance(event, Started) and before is not None and before.device == event.device:
                continue  # only the output folder has changed
        elif isinstance(event, JobEvent):
            continue
        else:
            state = _after_other_event(state, event)
        if (line := log_line(event, jobs, unix_seconds)) is not None:
            lines.append(line)
    return replace(
        state,
        jobs=MappingProxyType(jobs),
        log=(*state.log, *lines)[-LOG_LIMIT:] if lines else state.log,
        lines_logged=state.lines_logged + len(lines),
    )


def jobs_in_order(state: ViewState) -> tuple[Job, ...]:
    """Running jobs, then queued jobs in their order, then finished jobs with the newest first."""
    running_jobs = [job for job in state.jobs.values() if job.state == "running"]
    queued = [job for job in state.jobs.values() if job.state == "queued"]
    finished = sorted((job for job in state.jobs.values() if job.is_over), key=lambda job: -(job.ended_unix or 0.0))
    return (*running_jobs, *queued, *finished)


def _after_other_event(state: ViewState, event: Event) -> ViewState:
    match event:
        case MidiReady():  # a new player plays nothing
            return replace(state, midi=event.status, playing=frozenset(), armed=frozenset())
        case MidiWaiting():
            return replace(state, armed=state.armed | {(event.job, event.stem)})
        case MidiStarted():
            pair = {(event.job, event.stem)}
            return replace(state, playing=state.playing | pair, armed=state.armed - pair)
        case MidiEnded():
            pair = {(event.job, event.stem)}
            return replace(state, playing=state.playing - pair, armed=state.armed - pair)
        case WorkerChanged():
            return replace(state, worker=event.state, device=event.device or state.device)
        case _:
            return state
