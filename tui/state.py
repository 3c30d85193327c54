"""Everything on the screen, as a pure fold of the bridge's events, live or replayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

from bridge.events import (
    ComputingMoved,
    Ended,
    Event,
    GroupEnded,
    HorizonMoved,
    JobEvent,
    MidiEnded,
    MidiReady,
    MidiStarted,
    MidiWaiting,
    Preview,
    Progressed,
    Removed,
    Requeued,
    Restored,
    Started,
    Submitted,
    WorkerChanged,
)
from bridge.groups.group import Group, ended_group, group_with, groups_of, take_or_put
from bridge.lifecycle import apply
from bridge.model import Computing, Job, MidiStatus, Status
from tui.log_lines import LogLine, log_line

#: The most lines that the log holds; older ones are dropped.
LOG_LIMIT = 10_000
#: One line of the table of jobs.
TableRow: TypeAlias = Job | Group


@dataclass(frozen=True)
class LiveView:
    """What is known of a job that plays live."""

    seconds: float = 0.0
    """How far its notes are known, from the clip's start; 0 when the job is over."""
    previews: tuple[Preview, ...] = ()
    """The stems that can be read while the job runs."""
    missed: int = 0
    """Notes that became known too late, and were silent."""


@dataclass(frozen=True)
class ViewState:
    """What the widgets show. `playing` and `armed` hold (job, stem) pairs."""

    jobs: Mapping[str, Job] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    midi: MidiStatus = field(default_factory=MidiStatus)
    worker: str = ""
    """`starting`, `ready`, `busy`, `down`, `closing` or `gone`; empty until the bridge is open."""
    is_attached: bool = False
    """Whether the bridge runs in another process."""
    engine: str = ""
    device: str = ""
    computing: Computing = "here"
    playing: frozenset[tuple[str, str]] = frozenset()
    armed: frozenset[tuple[str, str]] = frozenset()
    """The notes that wait for the DAW's transport to start."""
    live: Mapping[str, LiveView] = field(default_factory=dict)
    """By job."""
    log: tuple[LogLine, ...] = ()
    history_changes: int = 0
    """How often what is over has changed: who shows it need not look at it in between."""
    lines_logged: int = 0
    """The number of lines ever logged: shows which lines of `log` are new."""

    @property
    def unfinished(self) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs.values() if not job.is_over)


def initial_view(
    jobs: Iterable[Job], status: Status, address: str, unix_seconds: float, *, is_attached: bool = False
) -> ViewState:
    """The state of a bridge before the first event that will be folded in."""
    known = tuple(jobs)
    words = "attached to the bridge at" if is_attached else "listening on"
    listening = LogLine(unix_seconds, "info", f"{words} {address}")
    return ViewState(
        jobs=MappingProxyType({job.id: job for job in known}),
        groups=MappingProxyType(groups_of(known)),
        midi=status.midi,
        worker=status.worker,
        engine=status.engine,
        device=status.device,
        computing=status.computing,
        history_changes=1,
        is_attached=is_attached,
        log=(listening,),
        lines_logged=1,
    )


def with_earlier_log(state: ViewState, earlier: ViewState) -> ViewState:
    """The state with the log of another one before its own."""
    log = (*earlier.log, *state.log)[-LOG_LIMIT:]
    lines_logged = earlier.lines_logged + state.lines_logged
    return replace(state, log=log, lines_logged=lines_logged, history_changes=earlier.history_changes + 1)


def view_after(state: ViewState, events: Iterable[Event], unix_seconds: float) -> ViewState:
    """The state after `events`; `unix_seconds` is the time of their log lines.

    Never raises: an event of an unknown job changes nothing.
    """
    jobs, groups = dict(state.jobs), dict(state.groups)
    lines: list[LogLine] = []
    changes = 0
    for event in events:
        changes += isinstance(event, (GroupEnded, Removed, Restored))
        state = replace(state, live=_live_after(state.live, event))
        before = jobs.get(event.job) if isinstance(event, JobEvent) else None
        if isinstance(event, (Removed, Restored)):
            take_or_put(event, jobs, groups)
        elif isinstance(event, Submitted) or (before is not None and isinstance(event, JobEvent)):
            jobs[event.job] = after = apply(before, event)
            changes += after.is_over and after is not before
            if after.group_id and after is not before:
                groups[after.group_id] = group_with(groups.get(after.group_id), after)
            if after is before and not isinstance(event, Progressed):
                continue  # a repeated event, or the job is finished
            if isinstance(event, Started) and before is not None and before.device == event.device:
                continue  # only the output folder has changed
        elif isinstance(event, JobEvent):
            continue
        elif isinstance(event, GroupEnded):
            if event.group_id in groups:
                groups[event.group_id] = ended_group(groups[event.group_id])
        else:
            state = _after_other_event(state, event)
        if (line := log_line(event, jobs, unix_seconds)) is not None:
            lines.append(line)
    return replace(
        state,
        jobs=MappingProxyType(jobs),
        groups=MappingProxyType(groups),
        log=(*state.log, *lines)[-LOG_LIMIT:] if lines else state.log,
        history_changes=state.history_changes + changes,
        lines_logged=state.lines_logged + len(lines),
    )


def _live_after(live: Mapping[str, LiveView], event: Event) -> Mapping[str, LiveView]:
    match event:
        case HorizonMoved():
            known = live.get(event.job, LiveView())
            previews = (*known.previews, *event.previews)
            return {**live, event.job: replace(known, seconds=event.seconds, previews=previews)}
        case MidiEnded() if event.missed:
            known = live.get(event.job, LiveView())
            return {**live, event.job: replace(known, missed=known.missed + event.missed)}
        case Ended() | Requeued() if event.job in live:  # its previews are gone
            return {**live, event.job: LiveView(missed=live[event.job].missed)}
        case _:
            return live


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
        case ComputingMoved():
            return replace(state, computing=event.computing)
        case _:
            return state
