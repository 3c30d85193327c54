"""A library from the first look to the last song: resumed, retried, interrupted, stopped."""

from __future__ import annotations

import asyncio
import csv
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.errors import BadArguments, BridgeError
from bridge.library.conditions import MOST_IN_A_ROW
from bridge.library.place import LibraryInUse, hold
from bridge.model import Failure
from bridge.request import EngineChoice, JobRequest
from tests.support.library import SETTINGS, RecordingReport, make_songs, run_library
from tests.support.simulated_computer import SimulatedComputer


@pytest.fixture
def music(tmp_path: Path) -> Path:
    make_songs(tmp_path / "music", 30, in_folder=7)
    return tmp_path / "music"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def manifests(out: Path) -> list[str]:
    return sorted(str(path.relative_to(out)) for path in out.rglob("*.sab.json"))


def leftovers(out: Path) -> list[str]:
    """Whatever tells of a job that is not over."""
    return [
        path.name
        for path in out.rglob("*")
        if path.name.endswith((".partial", ".claim", ".unfinished.json")) or re.fullmatch(r"song \d+ \d+", path.name)
    ]


def failures(out: Path) -> list[list[str]]:
    with (out / "failed.csv").open(encoding="utf-8-sig", newline="") as file:
        return [*csv.reader(file)][1:]


async def test_each_song_has_its_results_where_it_lies_in_the_library(music: Path, out: Path) -> None:
    computer, report = SimulatedComputer(slots=3), RecordingReport()
    end = await run_library([music], out, computer, report)
    assert (end.done, end.failed, end.left, end.problem) == (30, 0, 0, None)
    assert sorted(report.done) == sorted(map(str, music.rglob("song*")))
    assert "music/artist 0/album 0/song 4/song 4.sab.json" in manifests(out)
    assert len(manifests(out)) == 30
    assert leftovers(out) == []
    assert not (out / "failed.csv").exists()
    assert computer.most_at_once == 3


async def test_said_again_nothing_is_done_twice(music: Path, out: Path) -> None:
    await run_library([music], out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.wav")}
    (music / "artist 0" / "album 0" / "song 30.wav").write_bytes(b"new")
    report = RecordingReport()
    end = await run_library([music], out, report=report)
    assert (end.counts.done, end.done) == (30, 1)
    assert report.done == [str(music / "artist 0" / "album 0" / "song 30.wav")]
    assert {path: path.stat().st_mtime_ns for path in before} == before


async def test_a_song_is_done_again_if_it_or_its_results_or_the_settings_have_changed(music: Path, out: Path) -> None:
    await run_library([music], out)
    album = out / "music" / "artist 0" / "album 0"
    (album / "song 0" / "song 0 (Bass).wav").unlink()
    (album / "song 1" / "song 1 (Vocals).wav").write_bytes(b"cut")
    (album / "song 2" / "song 2.sab.json").write_bytes(b"{")
    (music / "artist 0" / "album 0" / "song 3.wav").write_bytes(b"another take")
    shutil.rmtree(album / "song 4")
    report = RecordingReport()
    end = await run_library([music], out, report=report)
    assert sorted(Path(song).stem for song in report.done) == [f"song {number}" for number in range(5)]
    again = await run_library([music], out)
    assert (again.counts.done, again.done) == (30, 0)
    other = JobRequest(source="", engine=EngineChoice(name="good"))
    end = await run_library([music], out, settings=other)
    assert (end.counts.done, end.done) == (0, 30)
    assert (await run_library([music], out, settings=other)).done == 0
    assert (await run_library([music], out)).done == 0


async def test_failures_are_listed_left_out_and_tried_again(music: Path, out: Path) -> None:
    computer, report = SimulatedComputer(seed=3, failing=0.2), RecordingReport()
    end = await run_library([music], out, computer, report)
    assert end.failed == len(report.failed) > 2
    assert end.done + end.failed == 30
    rows = failures(out)
    assert sorted(row[0] for row in rows) == sorted(failed.song.source for failed in report.failed)
    assert {row[1] for row in rows} <= {"not_audio", "not_readable", "engine_failed", "out_of_memory"}
    second = await run_library([music], out, SimulatedComputer())
    assert (second.done, second.all_failed) == (0, end.failed)
    half = SimulatedComputer(seed=3, failing=0.1)
    third = await run_library([music], out, half, again=True)
    assert third.failed < end.failed
    assert third.done == end.failed - third.failed
    assert len(failures(out)) == third.failed
    assert (await run_library([music], out, again=True)).all_failed == 0
    assert not (out / "failed.csv").exists()


async def test_a_failed_song_that_has_changed_is_tried_without_being_asked(music: Path, out: Path) -> None:
    computer = SimulatedComputer(seed=3, failing=0.2)
    end = await run_library([music], out, computer)
    first = Path(failures(out)[0][0])
    first.write_bytes(b"recorded anew")
    second = await run_library([music], out)
    assert (second.done, second.all_failed) == (1, end.failed - 1)
    assert str(first) not in [row[0] for row in failures(out)]


@pytest.mark.skipif(sys.platform == "win32", reason="makes links")
async def test_what_cannot_be_read_is_no_failure_of_before(music: Path, out: Path) -> None:
    link = music / "artist 0" / "song.wav"
    link.symlink_to(music / "nowhere")
    report = RecordingReport()
    end = await run_library([music], out, report=report)
    (counts,) = report.counts
    assert (counts.found, counts.unreadable, counts.failed, counts.to_do) == (31, 1, 0, 30)
    assert (end.done, end.left, end.all_failed) == (30, 0, 1)
    assert [row[:2] for row in failures(out)] == [[str(link), "not_readable"]]
    link.unlink()
    link.write_bytes(b"it is there now")
    assert (await run_library([music], out)).done == 1
    assert not (out / "failed.csv").exists()


async def test_a_folder_that_is_to_hold_its_own_results_is_refused_and_one_in_it_is_not(music: Path) -> None:
    with pytest.raises(BadArguments, match="its own results"):
        await run_library([music], music)
    assert not (music / ".sab-library").exists()
    for _ in range(2):
        end = await run_library([music], music / "Stems")
        assert end.counts.done + end.done == 30


async def test_an_interrupted_run_goes_on(music: Path, out: Path) -> None:
    interrupted = asyncio.Event()
    end = await run_library([music], out, report=RecordingReport(interrupted, after=10), interrupted=interrupted)
    assert end.is_interrupted
    assert 10 <= end.done < 30
    assert end.left == 30 - end.done
    assert leftovers(out) == []
    done_before = len(manifests(out))
    second = await run_library([music], out)
    assert (second.counts.done, second.done) == (done_before, 30 - done_before)


async def test_a_run_whose_farm_does_not_answer_can_be_interrupted(music: Path, out: Path) -> None:
    interrupted, has_begun, was_given_up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def opening() -> None:
        has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_given_up.set()

    running = asyncio.create_task(run_library([music], out, opening=opening, interrupted=interrupted))
    await has_begun.wait()
    interrupted.set()
    end = await running
    assert (end.is_interrupted, end.done, end.left) == (True, 0, 30)
    assert was_given_up.is_set()
    assert (await run_library([music], out)).done == 30


async def test_a_computer_that_is_there_just_as_the_run_is_interrupted_is_closed(music: Path, out: Path) -> None:
    """`asyncio.wait_for` forgets a cancellation that comes together with the answer, before Python 3.12."""
    closed: list[bool] = []

    class Closing(SimulatedComputer):
        async def close(self) -> None:
            closed.append(True)

    interrupted, has_begun = asyncio.Event(), asyncio.Event()

    async def opening() -> None:
        has_begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    running = asyncio.create_task(run_library([music], out, Closing(), opening=opening, interrupted=interrupted))
    await has_begun.wait()
    interrupted.set()
    assert (await running).is_interrupted
    assert closed == [True]


async def test_a_full_drive_ends_the_run_and_no_song_fails_by_it(music: Path, out: Path) -> None:
    computer = SimulatedComputer()
    computer.failure = lambda request: (
        Failure(code="out_of_space", message="The drive is full.") if request.source.endswith("song 9.wav") else None
    )
    end = await run_library([music], out, computer)
    assert end.problem is not None
    assert end.problem[0] == "out_of_space"
    assert "it goes on" in end.problem[1]
    assert (end.failed, end.done + end.left) == (0, 30)
    assert end.left > 10
    assert (await run_library([music], out)).left == 0


async def test_a_drive_that_goes_ends_the_run(music: Path, out: Path) -> None:
    computer = SimulatedComputer()

    def goes(_: JobRequest) -> None:
        if len(manifests(out)) >= 8 and music.exists():
            music.rename(music.with_name("unplugged"))

    computer.failure = goes
    end = await run_library([music], out, computer)
    assert end.problem == (
        "not_readable", f"The folder {music} is gone. Connect its drive, and say the same command again: it goes on.",
    )  # fmt: skip
    assert end.failed == 0
    music.with_name("unplugged").rename(music)
    second = await run_library([music], out)
    assert second.counts.done + second.done == 30


async def test_a_song_that_has_gone_fails_alone(music: Path, out: Path) -> None:
    computer = SimulatedComputer()
    computer.failure = lambda request: (
        Failure(code="not_found", message="gone") if request.source.endswith("song 9.wav") else None
    )
    end = await run_library([music], out, computer)
    assert (end.done, end.failed, end.problem) == (29, 1, None)


async def test_too_many_failures_alike_end_the_run(tmp_path: Path, out: Path) -> None:
    make_songs(tmp_path / "music", 3 * MOST_IN_A_ROW)
    computer = SimulatedComputer(slots=1)
    computer.failure = lambda _: Failure(code="engine_failed", message="The engine does not start.")
    end = await run_library([tmp_path / "music"], out, computer)
    assert end.problem is not None
    assert "25 songs in a row" in end.problem[1]
    assert end.failed == MOST_IN_A_ROW
    computer.failure = lambda _: Failure(code="not_audio", message="It is a text.")  # each may be one
    assert (await run_library([tmp_path / "music"], out, computer, again=True)).failed == 3 * MOST_IN_A_ROW


async def test_the_run_ends_where_nothing_computes_any_more(music: Path, out: Path) -> None:
    computer = SimulatedComputer(slots=0)
    computer.is_gone = True
    end = await run_library([music], out, computer)
    assert end.problem is not None
    assert end.problem[0] == "engine_failed"
    assert (end.failed, end.left) == (0, 30)


async def test_machines_that_join_get_songs_at_once(music: Path, out: Path) -> None:
    class JoiningReport(RecordingReport):
        def song_done(self, *_: object) -> None:
            computer.change(6)

    computer = SimulatedComputer(slots=1)
    assert (await run_library([music], out, computer, JoiningReport())).done == 30
    assert computer.most_at_once == 6


async def test_a_farm_that_is_waited_for_is_told_of(music: Path, out: Path) -> None:
    class LosingReport(RecordingReport):
        def song_done(self, *_: object) -> None:
            problem = "" if computer.problem else "The farm has no machine."
            computer.change(1, problem)

        def waiting(self, problem: str) -> None:
            super().waiting(problem)
            if problem:
                assert not interrupted.is_set()
            if len(self.problems) == 3:
                interrupted.set()

    computer, interrupted = SimulatedComputer(slots=0), asyncio.Event()
    computer.problem = "The farm cannot be reached."
    report = LosingReport()
    await run_library([music], out, computer, report, interrupted=interrupted)
    assert report.problems == ["The farm cannot be reached.", "", "The farm has no machine."]


async def test_two_runs_on_one_folder_are_one_too_many(music: Path, out: Path) -> None:
    place = hold(out)
    with pytest.raises(LibraryInUse, match="already works on"):
        await run_library([music], out)
    place.close()
    assert (await run_library([music], out)).done == 30


async def test_what_tells_of_the_run_can_end_it(music: Path, out: Path) -> None:
    class ClosedReport(RecordingReport):
        def song_done(self, *_: object) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await run_library([music], out, report=ClosedReport())
    assert leftovers(out) == []
    hold(out).close()


async def test_nothing_is_begun_with_folders_that_are_not_there(tmp_path: Path, music: Path, out: Path) -> None:
    with pytest.raises(BridgeError, match="There is no file or folder"):
        await run_library([music, tmp_path / "nowhere"], out)
    other = tmp_path / "other" / "music"
    other.mkdir(parents=True)
    with pytest.raises(BadArguments, match="have one name"):
        await run_library([music, other], out)
    assert not out.exists()
    with pytest.raises(BridgeError, match="outside the folders"):
        await run_library([music], out, roots=[tmp_path / "other"], settings=SETTINGS)
