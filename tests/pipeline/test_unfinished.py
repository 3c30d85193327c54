"""A job that is cancelled, or fails, after some of its files were complete: the same again goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import OutOfSpace
from bridge.events import Produced
from bridge.model import Job
from bridge.pipeline.cache import store
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.job_log import JobRecord
from bridge.pipeline.unfinished import Unfinished
from bridge.protocols import Control, Signal
from bridge.system.files import read_json
from bridge.worker.messages import CancelJob, WorkerReport
from tests.support.bench import Bench, files
from tests.support.fakes import FakeClock
from tests.support.separators import OneEngine, OneNoteTranscriber, SharesSeparator
from tests.support.sounds import music, write


@dataclass
class Listener(OneNoteTranscriber):
    """Calls `before` with each stem that it is to listen to."""

    before: Callable[[str], None] = lambda _: None
    understood: list[str] = field(default_factory=list)

    def listen(self, audio: Signal, stem: str, control: Control) -> bytes:
        self.before(stem)
        heard = super().listen(audio, stem, control)
        self.understood.append(stem)
        return heard


class Desk:
    """Runs one job after another, each of which may be stopped somewhere."""

    def __init__(self, folder: Path | None) -> None:
        self.cache = None if folder is None else ResultsCache(folder, 10**9, FakeClock())
        self.engine = SharesSeparator()
        self.listener = Listener()

    def run(self, source: Path, *, after: int | None = None, at: str = "", fails: str = "", **options: object) -> Job:
        """Cancelled after so many files are complete, or when the stem `at` is heard; or fails at the stem `fails`."""

        def before(stem: str) -> None:
            if stem == at:
                bench.worker.interrupt(CancelJob(job="a"))
            if stem == fails:
                raise MemoryError

        def heed(report: WorkerReport) -> None:
            del report
            if sum(isinstance(event, Produced) for event in bench.events) == after:
                bench.worker.interrupt(CancelJob(job="a"))

        self.listener.before = before
        bench = Bench(OneEngine(self.engine), cache=self.cache, transcriber=self.listener, heed=heed)
        return bench.run(source, **options)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "cache")


def contents(folder: str) -> dict[str, bytes]:
    """All that lies there, but the manifest, which tells times."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if not path.name.endswith(".sab.json")}


def undisturbed(clip: Path, tmp_path: Path) -> dict[str, bytes]:
    """What the job gives where nobody stops it."""
    job = Desk(None).run(clip, out=str(tmp_path / "undisturbed"))
    assert job.state == "done"
    return contents(job.output_dir)


STOPS: dict[str, dict[str, Any]] = {
    "when two of four stems are written": {"after": 2},
    "when all stems are written": {"after": 4},
    "while the first is listened to": {"at": "vocals"},
    "while the last is listened to": {"at": "other"},
    "when two of five files of notes are written": {"after": 6},
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_the_same_again_goes_on_in_the_same_folder_and_makes_nothing_twice(
    desk: Desk, clip: Path, tmp_path: Path, stop: dict[str, Any]
) -> None:
    first = desk.run(clip, **stop)
    assert first.state == "cancelled"
    written = {path: Path(path).stat().st_ino for path in (result.path for result in first.results)}
    again = desk.run(clip)
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(desk.engine.asked) == 1
    assert len(desk.listener.understood) == 4
    assert {path: Path(path).stat().st_ino for path in written} == written
    assert len(again.results) == 9
    assert contents(again.output_dir) == undisturbed(clip, tmp_path)
    assert [path.name for path in (clip.parent / "stems").iterdir()] == ["clip"]


def test_what_was_left_is_told_beside_it_and_is_no_manifest(desk: Desk, clip: Path) -> None:
    job = desk.run(clip, after=2)
    left = read_json(Path(job.output_dir) / "clip.unfinished.json", Unfinished)
    assert (left.state, [result.path for result in left.results]) == (
        "cancelled",
        ["clip (Vocals).wav", "clip (Drums).wav"],
    )
    assert "go on" in left.note
    assert files(job) == ["clip (Drums).wav", "clip (Vocals).wav", "clip.unfinished.json"]


def test_a_job_that_fails_is_taken_up_again_too(desk: Desk, clip: Path) -> None:
    first = desk.run(clip, fails="drums")
    assert first.failure is not None
    assert first.failure.code == "out_of_memory"
    again = desk.run(clip)
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(desk.engine.asked) == 1


def test_it_may_be_stopped_more_than_once(desk: Desk, clip: Path, tmp_path: Path) -> None:
    folders = {desk.run(clip, **stop).output_dir for stop in [*STOPS.values(), {"after": 1}]}
    job = desk.run(clip)
    assert folders == {job.output_dir}
    assert contents(job.output_dir) == undisturbed(clip, tmp_path)
    assert len(desk.engine.asked) == 1


def test_a_cancel_before_anything_was_written_leaves_nothing(desk: Desk, clip: Path) -> None:
    desk.engine.before_block = lambda _: (_ for _ in ()).throw(MemoryError)
    assert desk.run(clip).state == "failed"
    assert not (clip.parent / "stems").exists()


@pytest.mark.parametrize("kind", ["changed", "added"])
def test_a_folder_that_somebody_has_worked_in_is_left_alone(desk: Desk, clip: Path, kind: str) -> None:
    first = desk.run(clip, after=4)
    mine = Path(first.output_dir) / {"changed": "clip (Bass).wav", "added": "clip (Bass).mid"}[kind]
    mine.write_bytes(b"mine")
    again = desk.run(clip)
    assert again.state == "done"
    assert Path(again.output_dir).name == "clip 2"
    assert mine.read_bytes() == b"mine"


def test_a_stem_that_was_thrown_away_meanwhile_comes_again(desk: Desk, clip: Path, tmp_path: Path) -> None:
    first = desk.run(clip, after=4)
    Path(first.results[1].path).unlink()
    again = desk.run(clip)
    assert again.output_dir == first.output_dir
    assert contents(again.output_dir) == undisturbed(clip, tmp_path)


def test_other_settings_get_another_folder_and_still_need_no_engine(desk: Desk, clip: Path) -> None:
    desk.run(clip, at="vocals")
    job = desk.run(clip, format="flac", tempo_bpm=98.0)
    assert (job.state, Path(job.output_dir).name) == ("done", "clip 2")
    assert len(desk.engine.asked) == 1


def test_a_folder_that_was_named_is_the_same_again(desk: Desk, clip: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "here")
    assert desk.run(clip, out=out, after=2).output_dir == desk.run(clip, out=out).output_dir == out
    assert not (tmp_path / "here 2").exists()


def test_without_a_cache_the_folder_is_the_same_and_the_work_is_done_again(clip: Path, tmp_path: Path) -> None:
    desk = Desk(None)
    first, again = desk.run(clip, after=2), desk.run(clip)
    assert again.output_dir == first.output_dir
    assert len(desk.engine.asked) == 2
    assert contents(again.output_dir) == undisturbed(clip, tmp_path)


def test_more_than_can_be_kept_in_time_is_made_again(
    desk: Desk, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LARGEST_MADE_BYTES", 1000)
    first, again = desk.run(clip, at="drums"), desk.run(clip)
    assert again.output_dir == first.output_dir
    assert len(desk.engine.asked) == 2
    assert contents(again.output_dir) == undisturbed(clip, tmp_path)


def test_what_was_kept_of_an_unfinished_job_goes_once_it_is_done(desk: Desk, clip: Path) -> None:
    assert desk.cache is not None
    desk.run(clip, at="vocals")
    assert len([*desk.cache.folder.glob("*/made")]) == 4
    desk.run(clip)
    assert not [*desk.cache.folder.glob("*/made")]


def test_a_clip_that_has_changed_meanwhile_is_another_job(desk: Desk, clip: Path) -> None:
    desk.run(clip, after=4)
    sound = music(2.0)
    sound[50_000] = 0.0
    write(clip, sound)
    job = desk.run(clip)
    assert Path(job.output_dir).name == "clip 2"
    assert len(desk.engine.asked) == 2


def test_transcribing_alone_goes_on_as_well(desk: Desk, clip: Path) -> None:
    first = desk.run(clip, transcribe_as="bass", note_lists=("csv", "json"), after=1)
    again = desk.run(clip, transcribe_as="bass", note_lists=("csv", "json"))
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(desk.listener.understood) == 1


def test_a_file_that_appears_in_the_middle_is_nobody_s_stem(desk: Desk, clip: Path, tmp_path: Path) -> None:
    """Somebody exports a file of that name from the DAW just now: it is not announced, kept or written over."""
    out = tmp_path / "out"
    mine = out / "clip (Bass).wav"

    def export(start: int) -> None:
        if start:
            mine.write_bytes(b"mine")

    desk.engine.before_block = export
    job = desk.run(clip, out=str(out))
    assert job.failure is not None
    assert (job.failure.code, "has appeared" in job.failure.message) == ("not_writable", True)
    assert str(mine) not in {result.path for result in job.results}
    assert mine.read_bytes() == b"mine"
    desk.engine.before_block = lambda _: None
    elsewhere = desk.run(clip)
    assert contents(elsewhere.output_dir) == undisturbed(clip, tmp_path)


def test_where_the_manifest_cannot_be_written_nothing_is_lost(
    desk: Desk, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(JobRecord, "write", lambda *_: (_ for _ in ()).throw(OutOfSpace("The drive is full.")))
        first = desk.run(clip)
    assert first.failure is not None and first.failure.code == "out_of_space"
    assert "clip.unfinished.json" in files(first)
    again = desk.run(clip)
    assert (again.state, again.output_dir) == ("done", first.output_dir)
    assert len(desk.engine.asked) == 1
    assert "clip.unfinished.json" not in files(again)


def test_a_word_about_a_job_that_is_whole_again_goes(desk: Desk, clip: Path) -> None:
    whole = desk.run(clip)
    Path(whole.results[1].path).unlink()
    assert desk.run(clip, after=2).state == "cancelled"
    assert "clip.unfinished.json" in files(whole)
    again = desk.run(clip)
    assert (again.state, again.output_dir) == ("done", whole.output_dir)
    assert "clip.unfinished.json" not in files(again)
