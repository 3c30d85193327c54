"""The log in words: one line for each event that the user should know of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.events import (
    Analysed,
    Cancelling,
    Ended,
    Event,
    GroupEnded,
    MidiDelayed,
    MidiEnded,
    MidiReady,
    MidiStarted,
    MidiStarved,
    MidiWaiting,
    Noticed,
    Produced,
    Requeued,
    Started,
    Submitted,
    Warned,
    WorkerChanged,
)
from bridge.model import Job, State
from bridge.score.words import music_words
from bridge.units import clock_text
from bridge.wording import KIND_WORDS, PLAY_OUTCOME_WORDS, STATE_WORDS


@dataclass(frozen=True)
class LogLine:
    unix_seconds: float
    level: str
    """`info`, `good`, `warning` or `error`."""
    message: str
    subject: str = ""
    """The job's name; empty for a line that concerns no job."""


def log_line(event: Event, jobs: Mapping[str, Job], now: float) -> LogLine | None:
    """The log line of an event; None for an event that is not logged."""
    name = jobs[event.job].name if hasattr(event, "job") and event.job in jobs else ""
    match event:
        case Submitted():
            return LogLine(now, "info", "queued", name)
        case Started():
            start = f"{event.engine} begins on {event.device}"
            return LogLine(now, "info", start, name) if event.device else None
        case Requeued():
            reason = f": {event.reason}" if event.reason else ""
            return LogLine(now, "warning" if reason else "info", f"waits again{reason}", name)
        case Cancelling():
            return LogLine(now, "info", "is being cancelled", name)
        case Warned():
            return LogLine(now, "warning", event.warning.message, name)
        case Produced():
            kind = KIND_WORDS[event.result.kind]
            return LogLine(now, "info", f"{event.result.name} {kind} written", name)
        case Analysed():
            words = ", ".join(music_words(event.music))
            return LogLine(now, "info", words, name) if words else None
        case Ended():
            return _end_line(event, jobs[event.job], now)
        case GroupEnded():
            return LogLine(now, "good" if event.outcome == "done" else "info", _counts(event), event.name)
        case MidiReady():
            count = len(event.status.ports)
            ready = f"{count} MIDI {'port' if count == 1 else 'ports'} open on {event.status.backend}"
            message = event.status.message
            return LogLine(now, "warning", message) if message else LogLine(now, "info", ready)
        case MidiStarted():
            if event.is_open:
                return LogLine(now, "info", f"playing {event.stem}, as its notes are found", name)
            length = clock_text(event.seconds)
            return LogLine(now, "info", f"playing {event.stem}, {event.notes} notes, {length}", name)
        case MidiWaiting():
            return LogLine(now, "info", f"{event.stem} waits for the DAW to roll ({event.sync})", name)
        case MidiDelayed():
            return LogLine(now, "info", event.words, name)
        case MidiStarved():
            silent = f"{event.stem} is not known yet at {clock_text(event.seconds)}, so it is silent for now"
            return LogLine(now, "info", silent, name)
        case MidiEnded():
            level = "error" if event.outcome == "failed" else "info"
            late = "" if event.lateness is None else f", late by {event.lateness.words}"
            return LogLine(now, level, f"{event.stem} {PLAY_OUTCOME_WORDS[event.outcome]}{late}", name)
        case WorkerChanged():
            return (
                LogLine(now, "warning", "The engine went down; it is being restarted.")
                if event.state == "down"
                else None
            )
        case Noticed():
            return LogLine(now, event.level, event.message)
        case _:
            return None


def _end_line(event: Ended, job: Job, now: float) -> LogLine:
    if event.outcome == "failed":
        return LogLine(now, "error", event.failure.message if event.failure else "failed", job.name)
    if event.outcome == "cancelled":
        left = f"; {_files(len(job.results))} stay in {job.output_dir}" if job.results else ""
        return LogLine(now, "info", f"cancelled{left}", job.name)
    took = clock_text(job.took_seconds)
    return LogLine(now, "good", f"done, {_files(len(job.results))} after {took}", job.name)


def _counts(end: GroupEnded) -> str:
    counts: tuple[tuple[int, State], ...] = ((end.done, "done"), (end.failed, "failed"), (end.cancelled, "cancelled"))
    words = ", ".join(f"{count} {STATE_WORDS[state]}" for count, state in counts if count)
    return f"all {end.clips} clips are over: {words}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
