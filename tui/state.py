"""Everything on the screen, as a pure fold of the bridge's events: the same for a live bridge and a replayed one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bridge.events import (
    Analysed,
    Ended,
    Event,
    MidiEnded,
    MidiEvent,
    MidiMoved,
    MidiReady,
    MidiStarted,
    MidiWaiting,
    Noticed,
    Produced,
    Progressed,
    Started,
    Submitted,
    Warned,
    WorkerChanged,
)
from bridge.lifecycle import apply
from bridge.model import Job, MidiStatus, Status
from bridge.score.words import music_words
from bridge.units import clock_text

#: Lines that the log remembers; older ones fall out.
LOG_LIMIT = 10_000

#: What the log calls a file, by its kind.
FILE_WORDS = {"stem": "stem", "midi": "notes", "notes": "table", "picture": "picture"}


@dataclass(frozen=True)
class LogLine:
    unix_seconds: float
    level: str
    """`info`, `good`, `warning` or `error`."""
    message: str
    subject: str = ""
    """The job's name; empty where the line belongs to none."""


@dataclass(frozen=True)
class ViewState:
    """What the widgets show. `playing` and `armed` hold (job, stem) pairs."""

    jobs: Mapping[str, Job] = field(default_factory=dict)
    midi: MidiStatus = field(default_factory=MidiStatus)
    worker: str = ""
    """`starting`, `ready`, `busy` or `down`; empty before anything is known."""
    engine: str = ""
    device: str = ""
    playing: frozenset[tuple[str, str]] = frozenset()
    armed: frozenset[tuple[str, str]] = frozenset()
    """What waits for the DAW to roll."""
    log: tuple[LogLine, ...] = ()
    lines_logged: int = 0
    """How many lines there ever were: tells which of `log` are new."""

    @property
    def unfinished(self) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs.values() if not job.is_over)


def initial_view(jobs: Iterable[Job], status: Status, address: str, unix_seconds: float) -> ViewState:
    """The state of a bridge at the moment from which its events will be folded in."""
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
    """The state after `events`, which are logged as of `unix_seconds`.

    Never raises: an event of a job that was never submitted changes nothing.
    """
    jobs = dict(state.jobs)
    lines: list[LogLine] = []
    for event in events:
        before = jobs.get(event.job) if isinstance(event, (Submitted, *_LATER)) else None
        if isinstance(event, Submitted) or (before is not None and isinstance(event, _LATER)):
            jobs[event.job] = after = apply(before, event)
            if after is before and not isinstance(event, Progressed):
                continue  # said already, or the job is over
            if isinstance(event, Started) and before is not None and before.device == event.device:
                continue  # only its folder is another
        elif isinstance(event, _LATER):
            continue
        else:
            state = _around_jobs(state, event)
        if (line := _line(event, jobs, unix_seconds)) is not None:
            lines.append(line)
    return replace(
        state,
        jobs=MappingProxyType(jobs),
        log=(*state.log, *lines)[-LOG_LIMIT:] if lines else state.log,
        lines_logged=state.lines_logged + len(lines),
    )


def jobs_in_order(state: ViewState) -> tuple[Job, ...]:
    """The jobs as a person looks for them: at work, then waiting in their turn, then over with the newest first."""
    at_work = [job for job in state.jobs.values() if job.state == "running"]
    waiting = [job for job in state.jobs.values() if job.state == "queued"]
    over = sorted((job for job in state.jobs.values() if job.is_over), key=lambda job: -(job.ended_unix or 0.0))
    return (*at_work, *waiting, *over)


_LATER = (Analysed, Started, Progressed, Warned, Produced, Ended)


def _around_jobs(state: ViewState, event: MidiReady | MidiEvent | WorkerChanged | Noticed) -> ViewState:
    match event:
        case MidiReady():  # a player that has just started plays nothing
            return replace(state, midi=event.status, playing=frozenset(), armed=frozenset())
        case MidiWaiting():
            return replace(state, armed=state.armed | {(event.job, event.stem)})
        case MidiStarted():
            part = {(event.job, event.stem)}
            return replace(state, playing=state.playing | part, armed=state.armed - part)
        case MidiEnded():
            part = {(event.job, event.stem)}
            return replace(state, playing=state.playing - part, armed=state.armed - part)
        case MidiMoved():
            return state
        case WorkerChanged():
            return replace(state, worker=event.state, device=event.device or state.device)
        case Noticed():
            return state


def _line(event: Event, jobs: Mapping[str, Job], now: float) -> LogLine | None:
    """What the log says about an event; None where it says nothing."""
    name = jobs[event.job].name if hasattr(event, "job") and event.job in jobs else ""
    match event:
        case Submitted():
            return LogLine(now, "info", "queued", name)
        case Started():
            begins = f"{event.engine} begins on {event.device}"
            return LogLine(now, "info", begins, name) if event.device else None
        case Warned():
            return LogLine(now, "warning", event.warning.message, name)
        case Produced():
            what = FILE_WORDS[event.result.kind]
            return LogLine(now, "info", f"{event.result.name} {what} written", name)
        case Analysed():
            heard = ", ".join(music_words(event.music))
            return LogLine(now, "info", heard, name) if heard else None
        case Ended():
            return _ending(event, jobs[event.job], now)
        case MidiReady():
            count = len(event.status.ports)
            ready = f"{count} MIDI {'port' if count == 1 else 'ports'} open on {event.status.backend}"
            message = event.status.message
            return LogLine(now, "warning", message) if message else LogLine(now, "info", ready)
        case MidiStarted():
            length = clock_text(event.seconds)
            return LogLine(now, "info", f"playing {event.stem}, {event.notes} notes, {length}", name)
        case MidiWaiting():
            return LogLine(now, "info", f"{event.stem} waits for the DAW to roll ({event.sync})", name)
        case MidiEnded():
            level = "error" if event.outcome == "failed" else "info"
            late = "" if event.lateness is None else f", late by {event.lateness.words}"
            return LogLine(now, level, f"{event.stem} {_PLAYED[event.outcome]}{late}", name)
        case WorkerChanged():
            return (
                LogLine(now, "warning", "The engine went down; it is being restarted.")
                if event.state == "down"
                else None
            )
        case Noticed():
            return LogLine(now, event.level, event.message)
        case Progressed() | MidiMoved():
            return None


_PLAYED = {"finished": "played to the end", "stopped": "stopped", "failed": "could not be played"}


def _ending(event: Ended, job: Job, now: float) -> LogLine:
    if event.outcome == "failed":
        return LogLine(now, "error", event.failure.message if event.failure else "failed", job.name)
    if event.outcome == "cancelled":
        left = f"; {_files(len(job.results))} stay in {job.output_dir}" if job.results else ""
        return LogLine(now, "info", f"cancelled{left}", job.name)
    took = clock_text(event.unix_seconds - job.submitted_unix)
    return LogLine(now, "good", f"done, {_files(len(job.results))} after {took}", job.name)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
