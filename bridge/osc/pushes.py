"""Converts events to the messages that subscribers receive: pure functions of an event and its job."""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

from bridge.errors import InternalError
from bridge.events import (
    Analysed,
    Ended,
    GroupEnded,
    HorizonMoved,
    JobEvent,
    MidiDelayed,
    MidiEnded,
    MidiEvent,
    MidiMoved,
    MidiStarted,
    MidiStarved,
    MidiWaiting,
    Preview,
    Produced,
    Progressed,
    Removed,
    Requeued,
    Restored,
    Submitted,
    Warned,
)
from bridge.groups.group import Group
from bridge.model import Failure, Job, Music, Result, Warning
from bridge.music.tempo.other_tempi import other_tempi
from bridge.osc.addresses import (
    FAIL,
    FINISHED,
    GROUP,
    GROUP_FINISHED,
    HORIZON,
    JOB,
    JOB_GROUP,
    MIDI_DELAY,
    MIDI_END,
    MIDI_POSITION,
    MIDI_START,
    MIDI_STARVED,
    MIDI_WAIT,
    MUSIC,
    PREVIEW,
    PROGRESS,
    REMOVED,
    RESTORED,
    RESULT,
    TEMPO,
    WARNING,
    Message,
)

ETA_UNKNOWN = -1.0

#: The events that clients can receive.
PushedEvent: TypeAlias = JobEvent | GroupEnded | MidiEvent | HorizonMoved | MidiDelayed


def messages(event: PushedEvent, job: Job | None) -> list[Message]:
    """The pushes of `event`; `job` is its job after the event, None if it is unknown."""
    match event:
        case Submitted():
            queued = _progress(event.job, "queued", 0.0, None)
            return [queued, _membership(job)] if job is not None and job.group_id else [queued]
        case Requeued():
            return [_progress(event.job, "queued", 0.0, None)]
        case GroupEnded():
            counts = (event.clips, event.done, event.failed, event.cancelled)
            return [GROUP_FINISHED(event.name, event.outcome, *counts, event.group_id)]
        case Progressed():
            return [_progress(event.job, event.stage, event.fraction, event.eta_seconds)]
        case Warned():
            return [_warning(event.job, event.warning)]
        case Produced():
            return [result(event.job, event.result)]
        case Analysed():
            return music(event.job, event.music)
        case Ended():
            return _ended(event, job)
        case Removed():
            return [REMOVED(event.job)]
        case Restored():
            return [RESTORED(event.job)]
        case HorizonMoved():
            return [*map(partial(_preview, event.job), event.previews), HORIZON(event.job, event.seconds)]
        case MidiStarted():
            return [MIDI_START(event.job, event.stem, event.seconds, event.notes)]
        case MidiWaiting():
            return [MIDI_WAIT(event.job, event.stem, event.sync)]
        case MidiDelayed():
            return [MIDI_DELAY(event.job, event.seconds)]
        case MidiStarved():
            return [MIDI_STARVED(event.job, event.stem, event.seconds)]
        case MidiMoved():
            return [MIDI_POSITION(event.job, event.stem, event.seconds)]
        case MidiEnded():
            late = event.lateness
            figures = (late.p50_ms, late.p99_ms, late.worst_ms) if late is not None else (0.0, 0.0, 0.0)
            return [MIDI_END(event.job, event.stem, event.outcome, *figures, event.missed)]
        case _:
            return []


def state(job: Job) -> list[Message]:
    """The current state of a live job, for a new subscriber."""
    return [
        _progress(job.id, job.stage, job.fraction, job.eta_seconds),
        *([_membership(job)] if job.group_id else []),
        *(result(job.id, produced) for produced in job.results),
        *(music(job.id, job.music) if job.music is not None else []),
        *(_warning(job.id, warning) for warning in job.warnings),
    ]


def result(job: str, produced: Result) -> Message:
    return RESULT(job, produced.kind, produced.name, produced.path, produced.seconds, produced.sample_rate_hz)


def job_entry(job: Job) -> list[Message]:
    """A job as lists tell it, with its group if it has one."""
    entry = [JOB(job.id, job.state, job.fraction, job.name)]
    return [*entry, _membership(job)] if job.group_id else entry


def group_progress(group: Group) -> Message:
    return GROUP(group.name, group.clips, group.ended, group.fraction, group.state, group.id)


def music(job: str, known: Music) -> list[Message]:
    """Tempo and key of a job, and the runners-up of its tempo."""
    told = MUSIC(
        job, known.tempo_bpm, known.tempo_source, known.tempo_confidence, known.first_beat_seconds, known.key,
        known.key_margin,
    )  # fmt: skip
    others = (TEMPO(job, one.bpm, "/".join(map(str, one.time_signature)), one.share) for one in other_tempi(known))
    return [told, *others]


def _preview(job: str, preview: Preview) -> Message:
    return PREVIEW(job, preview.stem, preview.path, preview.sample_rate_hz, preview.channels)


def _membership(job: Job) -> Message:
    return JOB_GROUP(job.id, job.request.group.name, job.position, job.group_id)


def _progress(job: str, stage: str, fraction: float, eta_seconds: float | None) -> Message:
    return PROGRESS(job, stage, fraction, ETA_UNKNOWN if eta_seconds is None else eta_seconds)


def _warning(job: str, warning: Warning) -> Message:
    return WARNING(job, warning.code, warning.message)


def _ended(event: Ended, job: Job | None) -> list[Message]:
    results, output_dir = (len(job.results), job.output_dir) if job is not None else (0, "")
    finished = FINISHED(event.job, event.outcome, results, output_dir)
    if event.outcome != "failed":
        return [finished]
    unexplained = InternalError("The job failed without saying why.")
    failure = event.failure or Failure(code=unexplained.code, message=str(unexplained))
    return [FAIL("/sab/submit", failure.code, failure.message, event.job), finished]
