"""A job that was cancelled or failed after some files were complete: the same job continues from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import OutOfSpace
from bridge.events import Produced
from bridge.model import Job
from bridge.options.record import from_json
from bridge.pipeline import job as job_module
from bridge.pipeline.cache import store
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.unfinished import Unfinished
from bridge.protocols import Control, Signal
from bridge.worker.messages import CancelJob, WorkerReport
from tests.support.bench import Bench, files
from tests.support.fakes import FakeClock
from tests.support.separators import OneEngine, OneNoteTranscriber, SharesSeparator
from tests.support.sounds import music, write


@dataclass
class ScriptedTranscriber(OneNoteTranscriber):
    """Calls `before` with each stem before it analyses it."""

    before: Callable[[str], None] = lambda _: None
    finished: list[str] = field(default_factory=list)

    def analyse(self, audio: Signal, stem: str, control: Control) -> float:
        self.before(stem)
        analysis = super().analyse(audio, stem, control)
        self.finished.append(stem)
        return analysis


class StoppableBench:
    """Runs one job after another; each may be stopped at a given point."""

    def __init__(self, folder: Path | None) -> None:
        self.cache = None if folder is None else ResultsCache(folder, 10**9, FakeClock())
        self.engine = SharesSeparator()
        self.transcriber = ScriptedTranscriber()

    def run(self, source: Path, *, after: int | None = None, at: str = "", fails: str = "", **options: object) -> Job:
        """Cancels after so many files, or at the analysis of the stem `at`; or fails at the analysis of `fails`."""

        def before(stem: str) -> None:
            if stem == at:
                bench.worker.interrupt(CancelJob(job="a"))
            if stem == fails:
                raise MemoryError

        def on_report(report: WorkerReport) -> None:
            del report
            if sum(isinstance(event, Produced) for event in bench.events) == after:
                bench.worker.interrupt(CancelJob(job="a"))

        self.transcriber.before = before
        bench = Bench(OneEngine(self.engine), cache=self.cache, transcriber=self.transcriber, on_report=on_report)
        return bench.run(source, **options)


@pytest.fixture
def jobs(tmp_path: Path) -> StoppableBench:
    return StoppableBench(tmp_path / "cache")


def contents(folder: str) -> dict[str, bytes]:
    """All files but the manifest, which contains times."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if not path.name.endswith(".sab.json")}


def uninterrupted(clip: Path, tmp_path: Path) -> dict[str, bytes]:
    """The files of the job if it is not stopped."""
    job = StoppableBench(None).run(clip, out=str(tmp_path / "undisturbed"))
    assert job.state == "done"
    return contents(job.output_dir)


STOPS: dict[str, dict[str, Any]] = {
    "when two of four stems are written": {"after": 2},
    "when all stems are written": {"after": 4},
    "while the first stem is analysed": {"at": "vocals"},
    "while the last stem is analysed": {"at": "other"},
    "when two of five MIDI files are written": {"after": 6},
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_the_same_job_continues_in_the_same_folder_and_makes_nothing_twice(
    jobs: StoppableBench, clip: Path, tmp_path: Path, stop: dict[str, Any]
) -> None:
    first = jobs.run(clip, **stop)
    assert first.state == "cancelled"
    written = {path: Path(path).stat().st_ino for path in (result.path for result in first.results)}
    again = jobs.run(clip)
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(jobs.engine.asked) == 1
    assert len(jobs.transcriber.finished) == 4
    assert {path: Path(path).stat().st_ino for path in written} == written
    assert len(again.results) == 9
    assert contents(again.output_dir) == uninterrupted(clip, tmp_path)
    assert [path.name for path in (clip.parent / "stems").iterdir()] == ["clip"]


def test_a_job_with_an_opposite_continues_too(jobs: StoppableBench, clip: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"stems": ("vocals", "instrumental"), "format": "m4a"}
    first = jobs.run(clip, after=1, **options)
    assert files(first) == ["clip (Vocals).m4a", "clip.unfinished.json"]
    again = jobs.run(clip, **options)
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert jobs.engine.asked == [("vocals",)]
    whole = StoppableBench(None).run(clip, out=str(tmp_path / "undisturbed"), **options)
    assert contents(again.output_dir) == contents(whole.output_dir)


def test_complete_files_are_recorded_beside_them_without_a_manifest(jobs: StoppableBench, clip: Path) -> None:
    job = jobs.run(clip, after=2)
    left = from_json((Path(job.output_dir) / "clip.unfinished.json").read_bytes(), Unfinished)
    assert (left.state, [result.path for result in left.results]) == (
        "cancelled",
        ["clip (Vocals).wav", "clip (Drums).wav"],
    )
    assert "continue" in left.note
    assert files(job) == ["clip (Drums).wav", "clip (Vocals).wav", "clip.unfinished.json"]


def test_a_failed_job_continues_too(jobs: StoppableBench, clip: Path) -> None:
    first = jobs.run(clip, fails="drums")
    assert first.failure is not None
    assert first.failure.code == "out_of_memory"
    again = jobs.run(clip)
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(jobs.engine.asked) == 1


def test_a_job_may_be_stopped_more_than_once(jobs: StoppableBench, clip: Path, tmp_path: Path) -> None:
    folders = {jobs.run(clip, **stop).output_dir for stop in [*STOPS.values(), {"after": 1}]}
    job = jobs.run(clip)
    assert folders == {job.output_dir}
    assert contents(job.output_dir) == uninterrupted(clip, tmp_path)
    assert len(jobs.engine.asked) == 1


def test_a_job_that_stops_before_anything_is_written_leaves_nothing(jobs: StoppableBench, clip: Path) -> None:
    jobs.engine.before_block = lambda _: (_ for _ in ()).throw(MemoryError)
    assert jobs.run(clip).state == "failed"
    assert not (clip.parent / "stems").exists()


@pytest.mark.parametrize("kind", ["changed", "added"])
def test_a_folder_with_changes_of_the_user_is_left_alone(jobs: StoppableBench, clip: Path, kind: str) -> None:
    first = jobs.run(clip, after=4)
    mine = Path(first.output_dir) / {"changed": "clip (Bass).wav", "added": "clip (Bass).mid"}[kind]
    mine.write_bytes(b"mine")
    again = jobs.run(clip)
    assert again.state == "done"
    assert Path(again.output_dir).name == "clip 2"
    assert mine.read_bytes() == b"mine"


def test_a_stem_that_was_deleted_meanwhile_is_written_again(jobs: StoppableBench, clip: Path, tmp_path: Path) -> None:
    first = jobs.run(clip, after=4)
    Path(first.results[1].path).unlink()
    again = jobs.run(clip)
    assert again.output_dir == first.output_dir
    assert contents(again.output_dir) == uninterrupted(clip, tmp_path)


def test_other_options_get_another_folder_without_a_new_separation(jobs: StoppableBench, clip: Path) -> None:
    jobs.run(clip, at="vocals")
    job = jobs.run(clip, format="flac", tempo_bpm=98.0)
    assert (job.state, Path(job.output_dir).name) == ("done", "clip 2")
    assert len(jobs.engine.asked) == 1


def test_a_named_folder_is_used_again(jobs: StoppableBench, clip: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "here")
    assert jobs.run(clip, out=out, after=2).output_dir == jobs.run(clip, out=out).output_dir == out
    assert not (tmp_path / "here 2").exists()


def test_without_a_cache_the_job_continues_in_the_same_folder_but_separates_again(clip: Path, tmp_path: Path) -> None:
    jobs = StoppableBench(None)
    first, again = jobs.run(clip, after=2), jobs.run(clip)
    assert again.output_dir == first.output_dir
    assert len(jobs.engine.asked) == 2
    assert contents(again.output_dir) == uninterrupted(clip, tmp_path)


def test_raw_stems_that_are_too_large_to_cache_are_separated_again(
    jobs: StoppableBench, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_RAW_STEM_BYTES", 1000)
    first, again = jobs.run(clip, at="drums"), jobs.run(clip)
    assert again.output_dir == first.output_dir
    assert len(jobs.engine.asked) == 2
    assert contents(again.output_dir) == uninterrupted(clip, tmp_path)


def test_the_raw_stems_of_an_unfinished_job_are_removed_once_it_is_done(jobs: StoppableBench, clip: Path) -> None:
    assert jobs.cache is not None
    jobs.run(clip, at="vocals")
    assert len([*jobs.cache.folder.glob("*/made")]) == 4
    jobs.run(clip)
    assert not [*jobs.cache.folder.glob("*/made")]


def test_a_changed_clip_is_another_job(jobs: StoppableBench, clip: Path) -> None:
    jobs.run(clip, after=4)
    sound = music(2.0)
    sound[50_000] = 0.0
    write(clip, sound)
    job = jobs.run(clip)
    assert Path(job.output_dir).name == "clip 2"
    assert len(jobs.engine.asked) == 2


def test_transcription_alone_continues_too(jobs: StoppableBench, clip: Path) -> None:
    first = jobs.run(clip, transcribe_as="bass", note_lists=("csv", "json"), after=1)
    again = jobs.run(clip, transcribe_as="bass", note_lists=("csv", "json"))
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(jobs.transcriber.finished) == 1


def test_a_user_s_file_that_appears_meanwhile_is_not_taken_for_a_stem(
    jobs: StoppableBench, clip: Path, tmp_path: Path
) -> None:
    """A file that the user exports from the DAW during the job is not announced, cached or overwritten."""
    out = tmp_path / "out"
    mine = out / "clip (Bass).wav"

    def export(start: int) -> None:
        if start:
            mine.write_bytes(b"mine")

    jobs.engine.before_block = export
    job = jobs.run(clip, out=str(out))
    assert job.failure is not None
    assert (job.failure.code, "has appeared" in job.failure.message) == ("not_writable", True)
    assert str(mine) not in {result.path for result in job.results}
    assert mine.read_bytes() == b"mine"
    jobs.engine.before_block = lambda _: None
    elsewhere = jobs.run(clip)
    assert contents(elsewhere.output_dir) == uninterrupted(clip, tmp_path)


def test_if_the_manifest_cannot_be_written_nothing_is_lost(
    jobs: StoppableBench, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(job_module, "write_manifest", lambda *_: (_ for _ in ()).throw(OutOfSpace("The drive is full.")))
        first = jobs.run(clip)
    assert first.failure is not None and first.failure.code == "out_of_space"
    assert "clip.unfinished.json" in files(first)
    again = jobs.run(clip)
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(jobs.engine.asked) == 1
    assert "clip.unfinished.json" not in files(again)


def test_the_record_of_an_unfinished_job_is_removed_once_it_is_complete(jobs: StoppableBench, clip: Path) -> None:
    complete = jobs.run(clip)
    Path(complete.results[1].path).unlink()
    assert jobs.run(clip, after=2).state == "cancelled"
    assert "clip.unfinished.json" in files(complete)
    again = jobs.run(clip)
    assert (again.state, again.output_dir) == ("done", complete.output_dir)
    assert "clip.unfinished.json" not in files(again)


@pytest.mark.parametrize("name", ["clip.sab.json", "clip.unfinished.json"])
@pytest.mark.parametrize(
    "content", [b"\xff", b'{"a":' * 5000, b"[" * 20_000, b"1" * 5000], ids=["bytes", "a", "[", "1"]
)
def test_a_hostile_record_in_the_folder_is_left_alone(
    jobs: StoppableBench, clip: Path, name: str, content: bytes
) -> None:
    there = clip.parent / "stems" / "clip" / name
    there.parent.mkdir(parents=True)
    there.write_bytes(content)
    job = jobs.run(clip, midi=())
    assert (job.state, Path(job.output_dir).name) == ("done", "clip 2")
    assert there.read_bytes() == content
