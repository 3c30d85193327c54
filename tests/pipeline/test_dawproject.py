"""A job's DAWproject is one more of its files, with its stems and notes in it: made, restored and rebuilt with them."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest

from bridge.cli.output.job_report import outcome_of
from bridge.model import Job
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.manifest import decode_manifest
from bridge.stems import STEM_TABLE
from bridge.units import TICKS_PER_QUARTER
from tests.support.bench import Bench, CachingBench, files
from tests.support.dawproject_reader import DawProject
from tests.support.dawproject_schema import problems
from tests.support.sounds import music, write

FOUR = ("vocals", "drums", "bass", "other")


@pytest.fixture
def bench(tmp_path: Path) -> CachingBench:
    return CachingBench(tmp_path / "cache")


def path_of(job: Job) -> Path:
    assert job.state == "done", job.failure
    (result,) = (result for result in job.results if result.kind == "dawproject")
    return Path(result.path)


def project_of(job: Job) -> DawProject:
    project = DawProject(path_of(job))
    assert problems(project.project) == problems(project.metadata) == []
    return project


def test_it_is_a_result_with_the_stems_and_the_notes(clip: Path) -> None:
    job = Bench().run(clip, dawproject=True, tempo_bpm=120.0, beat=16.0, stems=FOUR)
    path = path_of(job)
    assert path.name == "clip.dawproject"
    assert outcome_of(job)["dawprojects"] == [{"name": "all", "path": str(path), "notes": 4}]
    (manifest,) = (decode_manifest(file.read_bytes()) for file in path.parent.glob("*.sab.json"))
    assert [result.file for result in manifest.results][-1] == path.name
    project = project_of(job)
    assert (project.title, project.tempo_bpm, project.metre) == ("clip", 120.0, (4, 4))
    with ZipFile(path) as archive:
        for result in (result for result in job.results if result.kind == "stem"):
            track = project.track(STEM_TABLE[result.name].label)
            (audio,) = track.audio
            assert (audio.start_seconds, round(audio.seconds, 6), audio.is_stretched) == (8.0, 2.0, False)
            assert (audio.sample_rate_hz, audio.channels, round(audio.file_seconds * 44_100)) == (44_100, 2, 88_200)
            assert archive.read(audio.path) == Path(result.path).read_bytes()
    for stem in FOUR:
        notes = project.track(f"{STEM_TABLE[stem].label} MIDI").notes
        (on,) = (
            one for one in mido.MidiFile(path.parent / f"clip ({STEM_TABLE[stem].label}).mid") if one.type == "note_on"
        )
        assert [(one.time, one.key, round(one.velocity * 127)) for one in notes] == [(16.0, on.note, on.velocity)]
        assert [one.duration * TICKS_PER_QUARTER for one in notes] == [pytest.approx(4 * TICKS_PER_QUARTER)]
        assert [one.bends for one in notes] == [() if stem == "drums" else ((0.0, 0.25),)]


def test_without_the_option_there_is_none(clip: Path) -> None:
    assert not [name for name in files(Bench().run(clip)) if name.endswith(".dawproject")]


def test_the_same_job_finds_it_unchanged(bench: CachingBench, clip: Path) -> None:
    first = bench.run(clip, dawproject=True)
    content = path_of(first).read_bytes()
    second = bench.run(clip, dawproject=True)
    assert (second.output_dir, bench.separated) == (first.output_dir, False)
    path_of(first).unlink()
    third = bench.run(clip, dawproject=True)
    assert (third.output_dir, path_of(third).read_bytes()) == (first.output_dir, content)


def test_one_that_a_daw_has_written_over_is_left_alone(bench: CachingBench, clip: Path) -> None:
    first = bench.run(clip, dawproject=True)
    path_of(first).write_bytes(b"the user's work")
    second = bench.run(clip, dawproject=True)
    assert Path(second.output_dir).name == "clip 2"
    assert path_of(first).read_bytes() == b"the user's work"
    assert project_of(second).track("Vocals").audio


def test_restored_stems_are_in_it_as_they_are_written(bench: CachingBench, clip: Path) -> None:
    bench.run(clip)
    job = bench.run(clip, dawproject=True, tempo_bpm=98.0)
    assert not bench.separated
    with ZipFile(path_of(job)) as archive:
        for result in (result for result in job.results if result.kind == "stem"):
            assert archive.read(f"audio/{result.file}") == Path(result.path).read_bytes()


def test_notes_that_are_read_anew_are_in_it(bench: CachingBench, clip: Path) -> None:
    bench.run(clip, dawproject=True)
    job = bench.run(clip, dawproject=True, shortest_seconds=1.999)
    assert not bench.separated
    assert len(project_of(job).track("Bass MIDI").notes) == 1
    job = bench.run(clip, dawproject=True, lowest=100)
    assert project_of(job).track("Bass MIDI").notes == ()


def test_stems_alone_make_one_too(clip: Path) -> None:
    job = Bench().run(clip, dawproject=True, midi=(), tempo_bpm=90.0, beat=2.0, time_signature=(3, 4))
    project = project_of(job)
    assert (round(project.tempo_bpm, 3), project.metre) == (90.0, (3, 4))
    assert [track.name for track in project.tracks] == ["Stems", "Vocals", "Drums", "Bass", "Other", "Master"]
    assert project.track("Bass").audio[0].start_seconds == pytest.approx(2 * 60 / 90)


def test_notes_alone_make_one_too(clip: Path) -> None:
    job = Bench().run(clip, dawproject=True, transcribe_as="mix")
    project = project_of(job)
    assert project.names == ["metadata.xml", "project.xml"]
    assert [track.name for track in project.tracks] == ["Notes", "Mix MIDI", "Master"]


def test_opposites_start_muted_beside_their_stems(clip: Path) -> None:
    job = Bench().run(clip, dawproject=True, stems=(*FOUR, "instrumental"))
    assert [track.name for track in project_of(job).tracks if track.is_muted] == ["Instrumental"]


@pytest.mark.parametrize(("audio_format", "ending"), [("flac", "flac"), ("mp3", "mp3"), ("aiff", "aiff")])
def test_stems_are_in_it_in_their_own_format(clip: Path, audio_format: str, ending: str) -> None:
    project = project_of(Bench().run(clip, dawproject=True, format=audio_format))
    assert [name for name in project.names if name.startswith("audio/")] == [
        f"audio/clip ({label}).{ending}" for label in ("Vocals", "Drums", "Bass", "Other")
    ]
    (audio,) = project.track("Vocals").audio
    assert audio.file_seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("name", ["]]> & <x>", "\u202egnp 🥁", "CON", "a\x1b[31m\x07b", "ü" * 200])
def test_hostile_names_are_text(clip: Path, name: str) -> None:
    job = Bench().run(clip, dawproject=True, name=name)
    project = project_of(job)
    with ZipFile(path_of(job)) as archive:
        assert archive.testzip() is None
    assert {Path(audio.path).stem for track in project.tracks for audio in track.audio} == {
        f"{path_of(job).stem} ({label})" for label in ("Vocals", "Drums", "Bass", "Other")
    }


def test_no_half_project_is_left_where_a_stem_is_gone(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = OutputFolder.open
    times: list[str] = []

    def gone(folder: OutputFolder, name: str) -> object:
        times.append(name)
        if times.count("clip (Bass).wav") > 2:  # it was looked at and counted, and is to be copied
            (folder.path / name).unlink(missing_ok=True)
        return opened(folder, name)

    monkeypatch.setattr(OutputFolder, "open", gone)
    job = Bench().run(clip, dawproject=True)
    assert (job.state, job.failure and job.failure.code) == ("failed", "not_writable")
    assert not [name for name in files(job) if "dawproject" in name]


def test_a_mono_clip_of_another_rate(tmp_path: Path) -> None:
    clip = write(tmp_path / "mono.wav", music(1.0, 48_000)[:, :1].astype(np.float32), 48_000)
    (audio,) = project_of(Bench().run(clip, dawproject=True)).track("Drums").audio
    assert (audio.sample_rate_hz, audio.channels, round(audio.file_seconds * 48_000)) == (48_000, 1, 48_000)
