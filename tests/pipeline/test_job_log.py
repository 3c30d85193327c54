"""The events of a job in the worker: what its manifest and its cache entry say is a fold of them."""

from __future__ import annotations

from pathlib import Path

from bridge.events import Analysed, JobEvent, LiveNotes, Progressed, Submitted, Warned
from bridge.lifecycle import fold
from bridge.model import Music, Result, Stage, Warning
from bridge.pipeline.job_log import JobLog
from bridge.pipeline.manifest import EngineRecord, SourceRecord, manifest_of
from bridge.request import JobRequest

SUBMITTED = Submitted(job="a", name="song", request=JobRequest(source="/song.wav"), unix_seconds=1_700_000_000.0)
STEM = Result(kind="stem", name="bass", folder="/out", file="song (Bass).wav", seconds=2.0)
SOURCE = SourceRecord(
    path="/song.wav", sha256="", start_seconds=0.0, start_frame=0, frames=1, sample_rate_hz=44_100, channels=2
)
ENGINE = EngineRecord(name="draft", device="cpu", weights="1")


def warned(code: str) -> Warned:
    return Warned(job="a", warning=Warning(code=code, message=code))


def progressed(stage: Stage, fraction: float) -> Progressed:
    return Progressed(job="a", stage=stage, fraction=fraction)


def test_every_event_is_emitted_and_the_job_is_their_fold() -> None:
    emitted: list[JobEvent | LiveNotes] = []
    log = JobLog(SUBMITTED, emitted.append)
    log.started(Path("/out"), "draft", "cpu")
    for step in range(100):
        log.report(progressed("separating", step / 100))
    log.produced(STEM)
    assert len(emitted) == 102
    assert log.job == fold([SUBMITTED, *(event for event in emitted if not isinstance(event, LiveNotes))])
    assert (log.job.output_dir, log.job.results, log.job.fraction) == ("/out", (STEM,), 0.99)


def test_warnings_belong_to_the_stage_in_which_they_were_reported() -> None:
    log = JobLog(SUBMITTED, lambda _: None)
    events: list[JobEvent] = [
        progressed("loading", 0.0), warned("weights_unavailable"),
        progressed("separating", 0.1), warned("out_of_memory"), progressed("separating", 0.2), warned("would_clip"),
        progressed("transcribing", 0.5), warned("no_notes"),
    ]  # fmt: skip
    for event in events:
        log.report(event)
    assert [warning.code for warning in log.warnings_in("separating")] == ["out_of_memory", "would_clip"]
    assert log.warnings_in("writing") == ()


def test_a_manifest_is_a_function_of_the_events_and_the_facts() -> None:
    log = JobLog(SUBMITTED, lambda _: None)
    music = Music(tempo_bpm=98.0, tempo_source="given")
    log.produced(STEM)
    log.report(Analysed(job="a", music=music))
    log.report(warned("no_notes"))
    manifest = manifest_of(
        log.job,
        source=SOURCE,
        engine=ENGINE,
        chords=(),
        transcribers={"bass": "basic-pitch"},
        seconds=1.23456,
        cache_key="k",
    )
    assert (manifest.job, manifest.name, manifest.music) == ("a", "song", music)
    assert [result.path for result in manifest.results] == ["song (Bass).wav"]
    assert [warning.code for warning in manifest.warnings] == ["no_notes"]
    assert (manifest.started, manifest.seconds) == ("2023-11-14T22:13:20+00:00", 1.235)
