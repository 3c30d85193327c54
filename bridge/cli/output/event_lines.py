"""A line for each event: what `sab serve` reports while it runs, and what the log keeps of a job."""

from __future__ import annotations

import logging

from bridge.events import (
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
)

#: The events of jobs have this name in the log.
log = logging.getLogger("bridge.events")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def log_event(event: Event) -> None:
    """Logs the event's line, if it has one."""
    if line := event_text(event):
        log.log(_level(event), "%s", line)


def _level(event: Event) -> int:
    match event:
        case Noticed(level=level):
            return _LEVELS[level]
        case Warned():
            return logging.WARNING
        case Requeued(reason=reason) if reason:
            return logging.WARNING
        case Ended(failure=failure) if failure is not None:
            return logging.ERROR
        case _:
            return logging.INFO


def event_text(event: Event) -> str:
    """What happened, in words; empty for an event that nobody needs to read."""
    match event:
        case Submitted(job=job, name=name, request=request, position=position):
            return f"{job}: {name}" if not position else f"{job}: {name} ({request.group.name}, {position})"
        case GroupEnded(name=name, done=done, failed=failed, cancelled=cancelled):
            return f"{name}: {done} done, {failed} failed, {cancelled} cancelled"
        case Requeued(job=job, reason=reason):
            return f"{job}: waits again{f': {reason}' if reason else ''}"
        case Started(job=job, engine=engine, device=device) if device:
            return f"{job}: {engine} on {device}"
        case Produced(job=job, result=result):
            return f"{job}: {result.path}"
        case Warned(job=job, warning=warning):
            return f"{job}: {warning.code}: {warning.message}"
        case Ended(job=job, outcome=outcome, failure=failure):
            return f"{job}: {outcome}" if failure is None else f"{job}: {failure.code}: {failure.message}"
        case MidiReady(status=status):
            ports = ", ".join(port.name for port in status.ports)
            return f"MIDI: {status.backend}, {ports}" if ports else f"MIDI: {status.message}"
        case MidiStarted(job=job, stem=stem, is_open=True):
            return f"{job}: playing {stem}, as its notes are found"
        case MidiStarted(job=job, stem=stem, notes=notes):
            return f"{job}: playing {notes} notes of {stem}"
        case MidiWaiting(job=job, stem=stem, sync=sync):
            return f"{job}: {stem} waits for the DAW to roll ({sync})"
        case MidiDelayed():
            return f"{event.job}: {event.words}"
        case MidiStarved(job=job, stem=stem, seconds=seconds):
            return f"{job}: {stem} is not known yet at {seconds:.1f} s, so it is silent for now"
        case MidiEnded(job=job, stem=stem, outcome=outcome, lateness=late):
            figures = "" if late is None else f", late by {late.words}"
            return f"{job}: playing {stem} {outcome}{figures}"
        case Noticed(message=message):
            return message
        case _:
            return ""
