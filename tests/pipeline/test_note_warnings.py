"""An assumed tempo and missing notes are warnings, once each, also for a restored job."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from bridge.cli.output.console import PlainConsole
from bridge.cli.output.job_report import TextReport, outcome_of
from bridge.events import Analysed
from bridge.model import WARNINGS, Job, Music, TempoCandidate, TempoSource
from bridge.pipeline.manifest import decode_manifest
from bridge.request import TimeSignature
from tests.support.bench import CachingBench
from tests.support.sounds import write

NO_NOTE = {"shortest_seconds": 60.0}
"""Longer than any clip here."""


@pytest.fixture
def bench(tmp_path: Path) -> CachingBench:
    return CachingBench(tmp_path / "cache")


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


def test_an_assumed_tempo_is_a_warning_with_advice(bench: CachingBench, clip: Path) -> None:
    job = bench.run(clip)
    (warning,) = job.warnings
    assert warning.code == "tempo_assumed"
    assert "No steady tempo" in warning.message
    assert "120 BPM" in warning.message
    assert "--tempo" in warning.message
    assert manifest_codes(job) == ["tempo_assumed"]
    assert set(codes(job)) <= set(WARNINGS)


def test_beats_that_cannot_be_followed_are_a_warning_with_advice(bench: CachingBench, clip: Path) -> None:
    job = bench.run(clip, tempo_bpm="map")
    assert codes(job) == ["no_beat"]
    assert "--tempo" in job.warnings[0].message
    assert job.music is not None
    assert job.music.tempo_map == ()


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, []), ({"score": True}, ["notes_not_read"]), ({"chords": "file"}, ["notes_not_read"]),
     ({"picture": ""}, ["notes_not_read"]), ({"note_lists": ("csv",)}, ["notes_not_read"])],
    ids=str,
)  # fmt: skip
def test_files_of_notes_that_nobody_reads_are_a_warning(
    bench: CachingBench, clip: Path, options: dict[str, object], expected: list[str]
) -> None:
    assert codes(bench.run(clip, midi=(), **options)) == expected


def test_a_restored_job_repeats_it(bench: CachingBench, clip: Path) -> None:
    first, second, elsewhere = bench.run(clip), bench.run(clip), bench.run(clip, out=str(clip.parent / "out"))
    assert not bench.separated
    assert first.warnings == second.warnings == elsewhere.warnings
    assert manifest_codes(elsewhere) == ["tempo_assumed"]


def test_a_warning_about_notes_is_not_cached_with_the_stems(bench: CachingBench, clip: Path) -> None:
    assert codes(bench.run(clip)) == ["tempo_assumed"]
    assert codes(bench.run(clip, tempo_bpm=98.0)) == []
    assert not bench.separated


def test_without_notes_there_is_no_tempo_warning(bench: CachingBench, clip: Path) -> None:
    assert codes(bench.run(clip, midi=())) == []


def test_a_clip_without_a_note_is_one_warning_that_names_its_stems(bench: CachingBench, clip: Path) -> None:
    for job in (bench.run(clip, **NO_NOTE), bench.run(clip, **NO_NOTE)):
        (warning,) = job.warnings  # without notes, the tempo does not matter
        assert warning.code == "no_notes"
        assert "vocals, drums, bass or other" in warning.message
        assert "--sensitivity" in warning.message


@pytest.mark.parametrize(("part", "where"), [("mix", "in the clip"), ("bass", "in bass"), ("drums", "in drums")])
def test_a_recording_without_a_note_is_named(bench: CachingBench, clip: Path, part: str, where: str) -> None:
    (warning,) = bench.run(clip, transcribe_as=part, **NO_NOTE).warnings
    assert where in warning.message
    assert ("--sensitivity" in warning.message) == (part != "drums"), "no setting makes more hits"


@pytest.mark.parametrize(
    ("midi", "expected"), [(None, []), (("all",), []), (("drums", "bass"), ["no_notes"]), (("vocals", "bass"), [])]
)
def test_a_silent_stem_is_a_warning_only_if_its_notes_were_requested(
    bench: CachingBench, clip: Path, midi: tuple[str, ...] | None, expected: list[str]
) -> None:
    """A band without a drummer: the drum stem's only note is below the lowest requested pitch."""
    job = bench.run(clip, midi=midi, lowest=48, tempo_bpm=98.0)
    assert codes(job) == expected
    assert all("in drums." in warning.message for warning in job.warnings)


@pytest.mark.parametrize(
    ("source", "metre", "first_beat", "words"),
    [
        ("estimated", (4, 4), 0.0, "If you tap another tempo, say --tempo 88 or --tempo 133 --time-signature 6/8."),
        ("default", (4, 4), 0.0, "If you tap one of these tempi, say --tempo 88 or --tempo 133 --time-signature 6/8."),
        ("estimated", (3, 4), 0.0, "say --tempo 88 --time-signature 4/4 or --tempo 133 --time-signature 6/8."),
        ("estimated", (4, 4), 0.3, "say --tempo 88 --beat -0.44 or --tempo 133 --time-signature 6/8 --beat -0.665."),
    ],
)
def test_a_runner_up_is_named_with_its_metre_and_where_its_beat_is(
    monkeypatch: pytest.MonkeyPatch, source: TempoSource, metre: TimeSignature, first_beat: float, words: str
) -> None:
    others = tuple(
        TempoCandidate(bpm=bpm, time_signature=of, share=0.1) for bpm, of in ((88.0, (4, 4)), (133.0, (6, 8)))
    )
    monkeypatch.setattr("bridge.cli.output.job_report.other_tempi", lambda _: others)
    console, screen = PlainConsole(soft_wrap=True), io.StringIO()
    console.file = screen
    music = Music(tempo_bpm=120.0, tempo_source=source, time_signature=metre, first_beat_seconds=first_beat)
    TextReport(console).show(Analysed(job="1", music=music))
    assert words in screen.getvalue()


def test_the_message_is_printed_once(bench: CachingBench, clip: Path) -> None:
    job, screen = bench.run(clip), io.StringIO()
    console = PlainConsole(soft_wrap=True)
    console.file = screen
    report = TextReport(console)
    for event in bench.last.events:
        report.show(event)  # type: ignore[arg-type]
    report.conclude(job)
    assert screen.getvalue().count("No steady tempo") == 1
    assert "Music:" not in screen.getvalue() or "BPM" not in screen.getvalue().split("Music:")[1].splitlines()[0]
    assert outcome_of(job)["warnings"] == [warning.message for warning in job.warnings]
