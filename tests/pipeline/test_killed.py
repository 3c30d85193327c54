"""A job whose process is killed, at every single step: the same job continues, and nothing is left behind.

The kill is simulated in this process: from one step on, nothing that changes a drive happens any more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from bridge.events import Produced, Started
from bridge.model import Result
from bridge.options.record import from_json
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.leftovers import remove_leftovers
from bridge.pipeline.unfinished import ENDING, Unfinished
from bridge.project_paths import PARTIAL
from bridge.worker.messages import Happened, RunJob, WorkerReport
from tests.support.bench import Bench
from tests.support.fakes import FakeClock
from tests.support.requests import request_for
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.sounds import music, write

#: Functions that change a drive, through which everything here does.
STEMS = ("vocals", "bass")
CHANGES = ("mkdir", "rmdir", "replace", "rename", "unlink", "utime")


class Killed(BaseException):
    """Ends a run as a signal would: nothing catches it."""


class KillableBench(Bench):
    """A bench whose process dies at one step: a change of the drive, or an event on its way."""

    def __init__(self, cache: Path | None, job: str) -> None:
        self.engine = SharesSeparator()
        super().__init__(
            OneEngine(self.engine), cache=None if cache is None else ResultsCache(cache, 10**9, FakeClock())
        )
        self._job = job
        self._left: int | None = None
        self._is_dead = False

    def work(self, source: Path, *, steps: int | None = None, **options: object) -> bool:
        """Runs the job; returns False if it was killed, after so many steps."""
        self._left = steps
        with self._watched():
            try:
                self.worker.execute(RunJob(job=self._job, request=request_for(source, **options)))
            except Killed:
                return False
        return True

    @property
    def results(self) -> list[Result]:
        return [event.result for event in self.events if isinstance(event, Produced)]

    @property
    def folders(self) -> list[str]:
        return [event.output_dir for event in self.events if isinstance(event, Started)]

    @property
    def created(self) -> list[str]:
        return [folder for event in self.events if isinstance(event, Started) for folder in event.created]

    def _receive(self, report: WorkerReport) -> None:
        if isinstance(report, Happened) and isinstance(report.event, (Started, Produced)):
            self._step()
        super()._receive(report)

    def _step(self) -> None:
        if self._is_dead or self._left == 0:
            self._is_dead = True
            raise Killed
        if self._left is not None:
            self._left -= 1

    @contextmanager
    def _watched(self) -> Iterator[None]:
        def stepping(change: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*arguments: Any, **named: Any) -> Any:
                self._step()
                return change(*arguments, **named)

            return wrapped

        real_open = os.open

        def opening(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if flags & os.O_CREAT:
                self._step()
            return real_open(path, flags, mode, dir_fd=dir_fd)

        with pytest.MonkeyPatch.context() as patch:
            for name in CHANGES:
                patch.setattr(os, name, stepping(getattr(os, name)))
            patch.setattr(os, "open", opening)
            yield


def a_clip(folder: Path) -> Path:
    """The same clip, of the same time, in a new folder."""
    folder.mkdir()
    clip = write(folder / "clip.wav", music(0.05))
    os.utime(clip, (1e9, 1e9))
    return clip


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".sab.json")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a job that nobody kills."""
    clip = a_clip(tmp_path_factory.mktemp("whole") / "here")
    assert KillableBench(None, "a").work(clip, stems=STEMS)
    return contents(clip.parent / "stems" / "clip")


def has_ended(home: Path) -> bool:
    """Whether only empty folders were left to remove: to repeat such a job is to repeat one that is done."""
    files = {path.name for path in home.rglob("*.json")} if home.exists() else set()
    return files == {"clip.sab.json"} and not [*home.rglob(".*")]


def check_swept(home: Path) -> None:
    """Nothing is left but complete files, on record; without any, no folder."""
    for folder in [path for path in home.rglob("*") if path.is_dir()]:
        names = {path.name for path in folder.iterdir() if path.is_file()}
        record = from_json((folder / "clip.unfinished.json").read_bytes(), Unfinished)
        assert names - {"clip.unfinished.json"} == {name for name in record.checks if (folder / name).exists()}
        assert names > {"clip.unfinished.json"}
        assert not any(name.startswith(".") or name.endswith(".sab.json") for name in names)
    assert not home.exists() or [*home.rglob("*.wav")]


def check_done(home: Path, bench: KillableBench, whole: dict[str, bytes]) -> None:
    """One folder, with every file, each told by an event, and nothing else."""
    (folder,) = home.iterdir()
    assert contents(folder) == whole
    assert (folder / "clip.sab.json").exists()
    assert {result.path for result in bench.results} == {str(folder / name) for name in whole}


@pytest.mark.parametrize(
    ("sweeps", "caching", "out"),
    [(True, True, None), (True, False, "out"), (False, True, "out"), (False, False, None)],
    ids=["server", "server, no cache", "sab process", "sab process, no cache"],
)
def test_a_job_that_is_killed_at_any_step_continues_and_leaves_nothing(
    tmp_path: Path, whole: dict[str, bytes], sweeps: bool, caching: bool, out: str | None
) -> None:
    """`sweeps`: a server removes what is left and runs the job again; else the same command is given again."""
    for steps in range(1000):
        clip = a_clip(tmp_path / f"{steps}")
        options: dict[str, Any] = {"stems": STEMS}
        if out is not None:
            options["out"] = str(clip.parent / out / "there")
        home, cache = clip.parent / (out or "stems"), clip.parent / "cache" if caching else None
        first = KillableBench(cache, "a")
        if first.work(clip, steps=steps, **options) or has_ended(home):
            break
        if sweeps:
            remove_leftovers("a", first.folders, first.created)
            check_swept(home)
        before = {path: path.stat().st_ino for path in home.rglob("*") if path.is_file() and path.suffix != ".json"}
        second = KillableBench(cache, "a" if sweeps else "b")
        assert second.work(clip, **options)
        check_done(home, second, whole)
        assert {path: path.stat().st_ino for path in before if not path.name.startswith(".")} == {
            path: inode for path, inode in before.items() if not path.name.startswith(".")
        }, f"made twice after {steps} steps"
    assert steps > 40


def test_a_folder_that_has_no_claim_of_the_job_is_left_alone(tmp_path: Path) -> None:
    """A history that somebody has changed may name any folder."""
    theirs = tmp_path / f".abcdefgh.vocals{PARTIAL}"
    theirs.write_text("theirs")
    remove_leftovers("abcdefgh", [tmp_path], [tmp_path])
    assert theirs.read_text() == "theirs"


def test_a_killed_job_that_does_not_run_again_keeps_the_files_that_were_told_and_no_others(tmp_path: Path) -> None:
    changed = False
    states: tuple[Literal["cancelled", "failed"], ...] = ("cancelled", "failed")
    for steps in range(1000):
        clip = a_clip(tmp_path / f"{steps}")
        home = clip.parent / "stems"
        killed = KillableBench(None, "a")
        if killed.work(clip, steps=steps, stems=STEMS) or has_ended(home):
            break
        told = {Path(result.path) for result in killed.results}
        untold = [path for path in home.rglob("*.wav") if not path.name.startswith(".") and path not in told]
        if untold and not changed:
            untold[0].write_bytes(b"the user's own")
            told.add(untold[0])
            changed = True
        state = states[steps % 2]
        remove_leftovers("a", killed.folders, killed.created, [result.path for result in killed.results], state)
        check_swept(home)
        left = {path for path in home.rglob("*") if path.is_file()}
        assert {path for path in left if not path.name.endswith(ENDING)} == told
        for record in (from_json(path.read_bytes(), Unfinished) for path in left - told):
            assert {result.file for result in record.results} <= {path.name for path in told}
            assert record.state == state
    assert steps > 20
    assert changed
