"""The stems of a job that plays live can be read while they grow, and are gone when it ends."""

from __future__ import annotations

import shutil
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.errors import EngineFailed
from bridge.events import LiveNotes, Preview, Produced
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.folders import preview_folder
from bridge.pipeline.folders.preview_folder import remove_unused
from bridge.system.file_lock import open_lock_file, try_lock
from bridge.worker.messages import CancelJob, Happened, WorkerReport
from tests.support.bench import Bench
from tests.support.fakes import FakeClock
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.sounds import music, write

STEMS = ("vocals", "bass")
BLOCK = 22_050


class LiveBench(Bench):
    """Runs a job with `play live`, and looks at its previews after each report."""

    def __init__(self, folder: Path, *, cache: ResultsCache | None = None) -> None:
        self.engine = SharesSeparator(block=BLOCK)
        super().__init__(OneEngine(self.engine), on_report=self._look, previews=folder, cache=cache)
        self.folder = folder
        self.previews: tuple[Preview, ...] = ()
        self.lengths: list[int] = []
        self.read: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}

    def _look(self, report: WorkerReport) -> None:
        if isinstance(report, LiveNotes):
            self.previews += report.previews
        if isinstance(report, Happened) and isinstance(report.event, Produced) and report.event.result.kind == "stem":
            for one in self.previews:
                self.read[one.stem] = soundfile.read(one.path, dtype="float32")[0]

    def work(self, source: Path, *, at_block: Callable[[int], None] = lambda _: None) -> str:
        def look(start: int) -> None:
            if start:
                (path,) = self.folder.glob("*/vocals.wav")
                self.lengths.append(len(soundfile.read(path)[0]))
            at_block(start)

        self.engine.before_block = look
        return self.run(source, stems=STEMS, midi=STEMS, play="live", depth="32f").state


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write(tmp_path / "song.wav", music(2.0))


@pytest.fixture
def bench(tmp_path: Path) -> LiveBench:
    return LiveBench(tmp_path / "cache" / "previews")


def test_a_stem_can_be_read_while_it_grows_and_is_at_last_the_written_one(bench: LiveBench, song: Path) -> None:
    assert bench.work(song) == "done"
    assert bench.lengths == [BLOCK, 2 * BLOCK, 3 * BLOCK]
    assert [(one.stem, one.sample_rate_hz, one.channels) for one in bench.previews] == [
        ("vocals", 44_100, 2),
        ("bass", 44_100, 2),
    ]
    for result in (event.result for event in bench.events if isinstance(event, Produced)):
        if result.kind == "stem":
            np.testing.assert_array_equal(bench.read[result.name], soundfile.read(result.path, dtype="float32")[0])
    assert bench.read.keys() == {*STEMS}
    assert [*bench.folder.iterdir()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a user's profile is closed to others there")
def test_only_the_user_may_read_it(bench: LiveBench, song: Path) -> None:
    modes: set[int] = set()

    def note(start: int) -> None:
        if start == BLOCK:
            modes.update(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (bench.folder, *bench.folder.rglob("*")))

    bench.work(song, at_block=note)
    assert modes == {0}


def test_nothing_is_left_of_it_when_the_job_is_cancelled_or_fails(bench: LiveBench, song: Path) -> None:
    def cancel(start: int) -> None:
        if start == BLOCK:
            bench.worker.interrupt(CancelJob(job="a"))

    def fail(start: int) -> None:
        if start == BLOCK:
            raise EngineFailed("It broke.")

    assert bench.work(song, at_block=cancel) == "cancelled"
    assert [*bench.folder.iterdir()] == []
    bench.reports.clear()
    assert bench.work(song, at_block=fail) == "failed"
    assert [*bench.folder.iterdir()] == []


def test_what_a_killed_worker_has_left_is_removed_and_what_another_one_uses_stays(tmp_path: Path) -> None:
    for name in ("killed", "alive"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bass.wav").touch()
    lock = open_lock_file(tmp_path / "alive" / ".lock")
    assert lock is not None
    with lock:
        assert try_lock(lock)
        remove_unused(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["alive"]
    remove_unused(tmp_path)
    assert [*tmp_path.iterdir()] == []
    remove_unused(tmp_path / "nowhere")


def test_a_job_needs_no_preview(tmp_path: Path, song: Path) -> None:
    (tmp_path / "file").touch()
    bench = LiveBench(tmp_path / "file" / "previews")
    assert (bench.run(song, stems=STEMS, midi=STEMS, play="live").state, bench.previews) == ("done", ())


def test_a_drive_without_room_for_it_is_left_alone(tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_folder, "SPARE_BYTES", shutil.disk_usage(tmp_path).total)
    bench = LiveBench(tmp_path / "previews")
    job = bench.run(song, stems=STEMS, midi=STEMS, play="live")
    assert (job.state, bench.previews, [*bench.folder.iterdir()]) == ("done", (), [])


def test_the_raw_stems_of_an_unfinished_job_are_found_again(tmp_path: Path, song: Path) -> None:
    """The samples alone go into the cache, without the head of the preview."""
    cache = ResultsCache(tmp_path / "cache", 10**9, FakeClock())
    stopped = threading.Event()
    first = LiveBench(tmp_path / "previews", cache=cache)

    def stop_when_separated(report: WorkerReport) -> None:
        if isinstance(report, Happened) and isinstance(report.event, Produced) and not stopped.is_set():
            stopped.set()
            first.worker.interrupt(CancelJob(job="a"))

    first.on_report = stop_when_separated
    assert first.run(song, stems=STEMS, midi=STEMS, play="live", depth="32f").state == "cancelled"
    again = LiveBench(tmp_path / "previews", cache=cache)
    assert again.work(song) == "done"
    assert again.engine.asked == []
    np.testing.assert_allclose(again.read["vocals"], soundfile.read(song, dtype="float32")[0] * 0.4, atol=1e-4)
