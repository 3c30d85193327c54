"""Everything on the screen, as a pure fold of the bridge's events, live or replayed."""

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

#: The most lines that the log holds; older ones are dropped.
LOG_LIMIT = 10_000

#: The log's word for each kind of file.
FILE_WORDS = {"stem": "stem", "midi": "notes", "notes": "table", "picture": "picture"}


@dataclass(frozen=True)
class LogLine:
    unix_seconds: float
    level: str
    """`info`, `good`, `warning` or `error`."""
    message: str
    subject: str = ""
    """The job's name; empty for a line that concerns no job."""


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
    """The state after `events`, which the log dates `unix_seconds`.

    Never raises: an event of an unknown job changes nothing.
    """
    jobs = dict(state.jobs)
    lines: list[LogLine] = []
    for event in events:
        before = jobs.get(event.job) if isinstance(event, (Submitted, *_JOB_UPDATES)) else None
        if isinstance(event, Submitted) or (before is not None and isinstance(event, _JOB_UPDATES)):
            jobs[event.job] = after = apply(before, event)
            if after is before and not isinstance(event, Progressed):
                continue  # a repeated event, or the job is finished
            if isinstance(event, Started) and before is not None and before.device == event.device:
                continue  # only the output folder has changed
        elif isinstance(event, _JOB_UPDATES):
            continue
        else:
            state = _after_other_event(state, event)
        if (line := _log_line(event, jobs, unix_seconds)) is not None:
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


_JOB_UPDATES = (Analysed, Started, Progressed, Warned, Produced, Ended)


def _after_other_event(state: ViewState, event: MidiReady | MidiEvent | WorkerChanged | Noticed) -> ViewState:
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
        case MidiMoved():
            return state
        case WorkerChanged():
            return replace(state, worker=event.state, device=event.device or state.device)
        case Noticed():
            return state


def _log_line(event: Event, jobs: Mapping[str, Job], now: float) -> LogLine | None:
    """The log line of an event; None for an event that is not logged."""
    name = jobs[event.job].name if hasattr(event, "job") and event.job in jobs else ""
    match event:
        case Submitted():
            return LogLine(now, "info", "queued", name)
        case Started():
            start = f"{event.engine} begins on {event.device}"
            return LogLine(now, "info", start, name) if event.device else None
        case Warned():
            return LogLine(now, "warning", event.warning.message, name)
        case Produced():
            kind = FILE_WORDS[event.result.kind]
            return LogLine(now, "info", f"{event.result.name} {kind} written", name)
        case Analysed():
            words = ", ".join(music_words(event.music))
            return LogLine(now, "info", words, name) if words else None
        case Ended():
            return _end_line(event, jobs[event.job], now)
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
            return LogLine(now, level, f"{event.stem} {_PLAYBACK_WORDS[event.outcome]}{late}", name)
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


_PLAYBACK_WORDS = {"finished": "played to the end", "stopped": "stopped", "failed": "could not be played"}


def _end_line(event: Ended, job: Job, now: float) -> LogLine:
    if event.outcome == "failed":
        return LogLine(now, "error", event.failure.message if event.failure else "failed", job.name)
    if event.outcome == "cancelled":
        left = f"; {_files(len(job.results))} stay in {job.output_dir}" if job.results else ""
        return LogLine(now, "info", f"cancelled{left}", job.name)
    took = clock_text(event.unix_seconds - job.submitted_unix)
    return LogLine(now, "good", f"done, {_files(len(job.results))} after {took}", job.name)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
