"""The transcribing stage: the notes of each stem, and the tempo that they are written at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.control import PartControl
from bridge.music.tempo.estimate import TempoEstimate
from bridge.music.tempo.following import FollowedTempo
from bridge.pipeline.cache.recent_notes import StemReading
from bridge.pipeline.notes import NotesOfJob, fitted_notes, known_music, settings_for
from bridge.pipeline.steps.opening import OpenJob
from bridge.protocols import Control, Signal

#: The part of the stage that finds the tempo; the other parts are named after the stems.
TEMPO = "tempo"
#: The part of the stage that splits the drums into the parts of their kit, and the name of its work in `StagePaces`.
KIT_PART, KIT_WORK = "kit", "splitting kit"
#: The names of the tempo's work in `StagePaces`: the beats of the whole clip take far longer than a tempo.
READING, FOLLOWING = "reading tempo", "reading beats"


def read_notes(job: OpenJob, audio: Mapping[str, Signal], controls: Mapping[str, Control]) -> NotesOfJob | None:
    """The notes of the stems to transcribe, at the given or estimated tempo; None if there are no such stems.

    Args:
        audio: at least the stems whose analysis is not in the cache.
        controls: of the stage's parts; see `part_controls`.

    Raises:
        BadArguments: the settings leave no pitch of a stem.
        EngineFailed, Cancelled: see `Transcriber.analyse`.
    """
    job.control.progress.enter("transcribing")
    if not job.midi:
        return None
    works, paces = _works(job), job.context.paces
    parts = {}
    for stem in job.midi:
        with paces.measured(works[stem], job.region.seconds):
            parts[stem] = _reading_of_stem(job, stem, audio.get(stem), controls[stem])

    def estimate() -> TempoEstimate:
        with paces.measured(READING, job.region.seconds):
            return job.analyses.tempo(job.region.signal, controls[TEMPO])

    def follow() -> FollowedTempo:
        with paces.measured(FOLLOWING, job.region.seconds):
            return job.analyses.followed(job.region.signal, job.request.song.time_signature, controls[TEMPO])

    notes = {stem: list(reading.notes) for stem, reading in parts.items()}
    margins = {stem: reading.line_margin for stem, reading in parts.items() if reading.line_margin is not None}
    fitted = fitted_notes(notes, job.request, known_music(job.request, estimate, follow), job.region.seconds)
    return replace(fitted, line_margins=margins)


def expected_seconds(job: OpenJob) -> dict[str, float]:
    """How long each part of the stage is expected to take on this machine."""
    return {part: job.context.paces.seconds(work, job.region.seconds) for part, work in _works(job).items()}


def _works(job: OpenJob) -> dict[str, str]:
    """The name of each part's work in `StagePaces`."""
    works = {stem: job.analyses.work_name(stem) for stem in job.midi}
    song = job.request.song
    if song.tempo_bpm is None and works:
        works[TEMPO] = FOLLOWING if song.follows_beats else READING
    if job.request.stems.kit:
        works[KIT_PART] = KIT_WORK
    return works


def part_controls(job: OpenJob) -> dict[str, PartControl]:
    """A control for each part, whose share of the stage is its expected duration."""
    expected = expected_seconds(job)
    total = sum(expected.values()) or 1.0
    controls, start = {}, 0.0
    for part, seconds in expected.items():
        stop = start + seconds / total
        controls[part] = PartControl(job.control, start, stop)
        start = stop
    return controls


def _reading_of_stem(job: OpenJob, stem: str, audio: Signal | None, control: Control) -> StemReading:
    settings, recent = settings_for(job.request, stem), job.context.recent_notes
    key = (job.analyses.key(stem), settings)
    reading = recent.get(key) if job.analyses.has(stem) else None
    if reading is None:
        analysis = job.analyses.analysis(stem, audio, control)
        transcriber = job.context.transcribers.for_stem(stem)
        notes = transcriber.notes(analysis, stem, settings)
        reading = StemReading(tuple(notes), transcriber.line_margin(analysis, stem, settings))
        recent.put(key, reading)
    control.checkpoint(1.0)
    return reading
