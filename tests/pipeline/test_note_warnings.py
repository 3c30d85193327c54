"""A tempo that was assumed, and notes that were not found, are warnings: once each, also out of the cache."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from bridge.cli.output.console import PlainConsole
from bridge.cli.output.job_report import TextReport, outcome_of
from bridge.model import WARNINGS, Job
from bridge.pipeline.manifest import decode_manifest
from tests.support.bench import Again
from tests.support.sounds import write

NO_NOTE = {"shortest_seconds": 60.0}
"""Longer than any clip here."""


@pytest.fixture
def again(tmp_path: Path) -> Again:
    return Again(tmp_path / "cache")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of one tone, without a beat."""
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(88_200) / 44_100)
    return write(tmp_path / "clip.wav", np.stack([tone, tone], axis=1).astype(np.float32))


def codes(job: Job) -> list[str]:
    return [warning.code for warning in job.warnings]


def manifest_codes(job: Job) -> list[str]:
    (path,) = Path(job.output_dir).glob("*.sab.json")
    return [warning.code for warning in decode_manifest(path.read_bytes()).warnings]


def test_a_tempo_that_was_assumed_is_told_with_what_to_do(again: Again, clip: Path) -> None:
    job = again.run(clip)
    (warning,) = job.warnings
    assert warning.code == "tempo_assumed"
    assert "No steady tempo" in warning.message
    assert "120 BPM" in warning.message
    assert "--tempo" in warning.message
    assert manifest_codes(job) == ["tempo_assumed"]
    assert set(codes(job)) <= set(WARNINGS)


def test_it_comes_again_out_of_the_cache(again: Again, clip: Path) -> None:
    first, second, elsewhere = again.run(clip), again.run(clip), again.run(clip, out=str(clip.parent / "out"))
    assert not again.worked
    assert first.warnings == second.warnings == elsewhere.warnings
    assert manifest_codes(elsewhere) == ["tempo_assumed"]


def test_a_warning_about_notes_does_not_stay_with_the_stems(again: Again, clip: Path) -> None:
    assert codes(again.run(clip)) == ["tempo_assumed"]
    assert codes(again.run(clip, tempo_bpm=98.0)) == []
    assert not again.worked


def test_no_tempo_is_missed_where_nobody_wants_notes(again: Again, clip: Path) -> None:
    assert codes(again.run(clip, midi=())) == []


def test_a_clip_without_a_note_is_one_warning_that_names_its_stems(again: Again, clip: Path) -> None:
    for job in (again.run(clip, **NO_NOTE), again.run(clip, **NO_NOTE)):
        (warning,) = job.warnings  # the tempo of no notes matters to nobody
        assert warning.code == "no_notes"
        assert "vocals, drums, bass or other" in warning.message
        assert "--sensitivity" in warning.message


@pytest.mark.parametrize(("part", "where"), [("mix", "in the clip"), ("bass", "in bass"), ("drums", "in drums")])
def test_a_recording_without_a_note_is_named(again: Again, clip: Path, part: str, where: str) -> None:
    (warning,) = again.run(clip, transcribe_as=part, **NO_NOTE).warnings
    assert where in warning.message
    assert ("--sensitivity" in warning.message) == (part != "drums"), "no setting makes more strokes"


@pytest.mark.parametrize(
    ("midi", "told"), [(None, []), (("all",), []), (("drums", "bass"), ["no_notes"]), (("vocals", "bass"), [])]
)
def test_a_stem_that_is_silent_is_told_of_only_where_its_notes_were_asked_for(
    again: Again, clip: Path, midi: tuple[str, ...] | None, told: list[str]
) -> None:
    """A band without a drummer: its drum stem gives no note below the pitches that are asked for."""
    job = again.run(clip, midi=midi, lowest=48, tempo_bpm=98.0)
    assert codes(job) == told
    assert all("in drums." in warning.message for warning in job.warnings)


def test_the_words_are_printed_once(again: Again, clip: Path) -> None:
    job, screen = again.run(clip), io.StringIO()
    console = PlainConsole(soft_wrap=True)
    console.file = screen
    report = TextReport(console)
    for event in again.bench.events:
        report.show(event)  # type: ignore[arg-type]
    report.conclude(job)
    assert screen.getvalue().count("No steady tempo") == 1
    assert "Music:" not in screen.getvalue() or "BPM" not in screen.getvalue().split("Music:")[1].splitlines()[0]
    assert outcome_of(job)["warnings"] == [warning.message for warning in job.warnings]
