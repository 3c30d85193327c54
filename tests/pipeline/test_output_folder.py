"""Output folders: claimed, held open, filled with whole files only, and nothing is written beside them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import NotWritable, OutOfSpace, OutsideRoots
from bridge.pipeline.folders.claim import claim_file_name
from bridge.pipeline.folders.job_folders import JobFolders
from bridge.pipeline.folders.output_folder import OutputFolder

FILES = ("song.sab.json",)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot move a folder with an open file in it")


class Jobs:
    """Jobs that hold their folders until the test ends, or until `end`."""

    def __init__(self) -> None:
        self.running: dict[str, JobFolders] = {}
        self.announced: list[tuple[str, tuple[str, ...]]] = []

    def claim(self, path: Path, *, given: bool = False, job: str = "job1", roots: Sequence[Path] = ()) -> OutputFolder:
        folders = self.running.setdefault(job, JobFolders(job, "song", FILES, roots))
        return folders.claim(path, self._announce, given=given)

    def end(self, job: str = "job1") -> None:
        self.running.pop(job).__exit__(None, None, None)

    def _announce(self, folder: Path, created: Sequence[Path]) -> None:
        self.announced.append((folder.name, tuple(path.name for path in created)))


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    for job in [*jobs.running]:
        jobs.end(job)


def visible(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != claim_file_name("song"))


def write(folder: OutputFolder, name: str, content: bytes = b"ours") -> None:
    with folder.new_file(name) as file:
        file.write(content)


def test_a_second_job_gets_its_own_folder(tmp_path: Path, jobs: Jobs) -> None:
    claimed = [jobs.claim(tmp_path / "stems" / "song", job=f"job{n}").path.name for n in range(3)]
    assert claimed == ["song", "song 2", "song 3"]


def test_what_is_made_is_announced_before_it_is_made(tmp_path: Path) -> None:
    seen = []
    with JobFolders("job1", "song", FILES) as folders:
        folders.claim(
            tmp_path / "stems" / "song",
            lambda folder, created: seen.append((folder.exists(), [path.name for path in created])),
            given=False,
        )
    assert seen == [(False, ["stems", "song"])]


def test_a_named_folder_may_hold_other_files(tmp_path: Path, jobs: Jobs) -> None:
    (tmp_path / "letter.txt").touch()
    assert jobs.claim(tmp_path, given=True).path == tmp_path
    assert jobs.announced == [(tmp_path.name, ())]


def test_files_in_a_named_folder_are_never_overwritten(tmp_path: Path, jobs: Jobs) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "song.sab.json").touch()
    assert jobs.claim(out, given=True).path == tmp_path / "out 2"


def test_two_jobs_that_name_the_same_folder_at_once_get_two(tmp_path: Path, jobs: Jobs) -> None:
    claimed = [jobs.claim(tmp_path / "out", given=True, job=f"job{n}").path.name for n in range(2)]
    assert claimed == ["out", "out 2"]
    assert jobs.announced[1:] == [("out 2", ("out 2",))]


def test_a_claim_holds_between_processes_and_ends_with_a_killed_one(tmp_path: Path, jobs: Jobs) -> None:
    """A claim of a process that was killed is taken over, with the duty to remove what was made for it."""
    out = tmp_path / "stems" / "song"
    program = f"""if True:
        import os, sys
        from pathlib import Path
        from bridge.pipeline.folders.job_folders import JobFolders
        folders = JobFolders("gone", "song", ("song.sab.json",))
        folder = folders.claim(Path({str(out)!r}), lambda *_: None, given=False)
        folder.directory.create(".gone.song (Bass).wav.partial").close()
        print("claimed", flush=True)
        sys.stdin.read()
        os._exit(9)
    """
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "claimed\n"
        assert jobs.claim(out, job="second").path.name == "song 2"
        other.communicate("")
    assert [*out.iterdir()], "it was killed"
    assert jobs.claim(out, job="third").path == out
    assert jobs.announced[-1] == ("song", ("stems", "song"))
    assert visible(out) == []
    jobs.end("second")
    jobs.end("third")
    assert not (tmp_path / "stems").exists()


def test_a_claim_is_gone_with_its_job(tmp_path: Path, jobs: Jobs) -> None:
    jobs.claim(tmp_path, given=True)
    assert [entry.name for entry in tmp_path.iterdir()] == [claim_file_name("song")]
    jobs.end()
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("left", [b"", b"\xff", b"[" * 9999, b'{"job": "../x", "created": ["/"]}'])
def test_a_damaged_claim_is_taken_over(tmp_path: Path, jobs: Jobs, left: bytes) -> None:
    (tmp_path / claim_file_name("song")).write_bytes(left)
    assert jobs.claim(tmp_path, given=True).path == tmp_path


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, jobs: Jobs) -> None:
    folder = jobs.claim(tmp_path / "song")
    with folder.new_file("a.wav") as file:
        file.write(b"half")
        assert not (folder.path / "a.wav").exists()
    assert visible(folder.path) == ["a.wav"]
    with pytest.raises(KeyError), folder.new_file("b.wav") as file:
        file.write(b"half")
        raise KeyError
    assert visible(folder.path) == ["a.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_results_have_the_permissions_of_the_user_s_umask(tmp_path: Path, jobs: Jobs) -> None:
    folder = jobs.claim(tmp_path / "song")
    before = os.umask(0o027)
    try:
        write(folder, "a.wav")
    finally:
        os.umask(before)
    assert (folder.path / "a.wav").stat().st_mode & 0o777 == 0o640


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, jobs: Jobs) -> None:
    folder = jobs.claim(tmp_path / "song")
    with pytest.raises(NotWritable, match="has appeared"), folder.new_file("a.wav") as file:
        file.write(b"ours")
        (folder.path / "a.wav").write_bytes(b"theirs")
    assert (folder.path / "a.wav").read_bytes() == b"theirs"


def test_the_end_removes_temporary_files_and_empty_folders(tmp_path: Path, jobs: Jobs) -> None:
    folder = jobs.claim(tmp_path / "stems" / "song")
    folder.scratch("bass")().close()
    (folder.path / ".job1.song (Bass).wav.partial").touch()
    jobs.end()
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_a_scratch_file_has_no_name(tmp_path: Path, jobs: Jobs) -> None:
    """So it is gone with its process, in whatever way that ends."""
    folder = jobs.claim(tmp_path / "song")
    with folder.scratch("bass")() as file:
        file.write(b"samples")
        assert visible(folder.path) == []
        file.seek(0)
        assert file.read() == b"samples"


def test_the_end_keeps_complete_files(tmp_path: Path, jobs: Jobs) -> None:
    folder = jobs.claim(tmp_path / "stems" / "song")
    write(folder, "song (Bass).wav")
    jobs.end()
    assert [entry.name for entry in folder.path.iterdir()] == ["song (Bass).wav"]


def test_only_the_jobs_own_temporary_files_are_removed(tmp_path: Path, jobs: Jobs) -> None:
    jobs.claim(tmp_path, given=True)
    for name in (".job1.[x]*.partial", ".job2.y.partial"):
        (tmp_path / name).touch()
    jobs.end()
    assert [entry.name for entry in tmp_path.iterdir()] == [".job2.y.partial"]


@pytest.mark.parametrize("place", ["/proc/sab", "/dev/null/sab"])
def test_an_unwritable_folder_is_a_not_writable_error(place: str, jobs: Jobs) -> None:
    with pytest.raises(NotWritable, match=place):
        jobs.claim(Path(place))


def test_a_full_drive_is_an_error_before_and_during_the_work(
    tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = jobs.claim(tmp_path / "song")
    with pytest.raises(OutOfSpace), folder.new_file("a.wav"):
        raise OSError(errno.ENOSPC, "No space left on device")

    def nearly_full(_: object) -> Any:
        return shutil._ntuple_diskusage(10**9, 10**9 - 63 * 10**6, 63 * 10**6)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with pytest.raises(OutOfSpace, match=r"needs 0\.7 MB .* 63 MB are free there, .* leaves 67 MB free"):
        folder.check_space(700_000)


def test_a_full_root_is_not_continued_outside(tmp_path: Path, jobs: Jobs) -> None:
    """`ROOT 2` lies beside the root."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "song.sab.json").touch()
    with pytest.raises(OutsideRoots, match="root 2 beside it is outside"):
        jobs.claim(root, given=True, roots=[root])
    assert not (tmp_path / "root 2").exists()


@pytest.mark.parametrize("given", [True, False])
def test_a_numbered_neighbour_that_is_a_link_is_not_taken(tmp_path: Path, jobs: Jobs, given: bool) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder in (outside, root / "song"):
        folder.mkdir(parents=True)
    (root / "song" / "song.sab.json").touch()
    (root / "song 2").symlink_to(outside, target_is_directory=True)
    if given:
        with pytest.raises(OutsideRoots):
            jobs.claim(root / "song", given=True, roots=[root])
        jobs.end()
    assert jobs.claim(root / "song", given=given).path.name == "song 3"
    assert not [*outside.iterdir()]


def test_a_link_that_the_user_names_is_followed_inside_the_roots(tmp_path: Path, jobs: Jobs) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "there").mkdir(parents=True)
    outside.mkdir()
    (root / "in").symlink_to(root / "there", target_is_directory=True)
    (root / "out").symlink_to(outside, target_is_directory=True)
    write(jobs.claim(root / "in", given=True, roots=[root]), "a.wav")
    assert (root / "there" / "a.wav").exists()
    with pytest.raises(OutsideRoots):
        jobs.claim(root / "out", given=True, job="job2", roots=[root])


def swapped_for_a_link(folder: Path, outside: Path) -> None:
    folder.rename(folder.with_name("aside"))
    folder.symlink_to(outside, target_is_directory=True)


def moved_away(folder: Path, outside: Path) -> None:
    folder.rename(outside / "moved")


def moved_and_linked(folder: Path, outside: Path) -> None:
    folder.rename(outside / "moved")
    folder.symlink_to(outside / "moved", target_is_directory=True)


@POSIX
@pytest.mark.parametrize("change", [swapped_for_a_link, moved_away, moved_and_linked])
@pytest.mark.parametrize("when", ["before", "during"])
def test_a_folder_that_is_exchanged_gets_no_file_and_keeps_no_scratch(
    tmp_path: Path, jobs: Jobs, change: Callable[[Path, Path], None], when: str
) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    folder = jobs.claim(root / "song", roots=[root])
    scratch = folder.scratch("bass")()
    if when == "before":
        change(folder.path, outside)
    with pytest.raises((NotWritable, OutsideRoots)) as error, folder.new_file("a.wav") as file:
        file.write(b"ours")
        change(folder.path, outside)
    assert "moved" in str(error.value) or "outside" in str(error.value)
    scratch.close()
    with pytest.raises((NotWritable, OutsideRoots)):
        folder.scratch("drums")()
    jobs.end()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
    assert {path.name for path in tmp_path.rglob("*") if path.is_dir() and not path.is_symlink()} == {"outside", "root"}


@POSIX
def test_folders_made_for_a_job_are_removed_where_they_were_moved_to(tmp_path: Path, jobs: Jobs) -> None:
    project = tmp_path / "project"
    project.mkdir()
    folder = jobs.claim(project / "stems" / "song")
    project.rename(tmp_path / "moved")
    with pytest.raises(NotWritable), folder.new_file("a.wav"):
        pass
    jobs.end()
    assert list((tmp_path / "moved").iterdir()) == []


@POSIX
def test_a_link_at_a_temporary_name_is_not_followed(tmp_path: Path, jobs: Jobs) -> None:
    mine, out = tmp_path / "mine.txt", tmp_path / "out"
    mine.write_text("mine")
    out.mkdir()
    for name in (".job1.a.wav.partial", ".job1.bass.partial"):
        (out / name).symlink_to(mine)
    folder = jobs.claim(out, given=True)
    write(folder, "a.wav")
    with folder.scratch("bass")() as file:
        file.write(b"samples")
    assert mine.read_text() == "mine"
    assert (out / "a.wav").read_bytes() == b"ours"
    assert not (out / "a.wav").is_symlink()


@POSIX
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_lies_at_the_name_of_a_claim_is_an_error(tmp_path: Path, jobs: Jobs, kind: str) -> None:
    mine, place = tmp_path / "mine.txt", tmp_path / "out" / claim_file_name("song")
    mine.write_text("mine")
    place.parent.mkdir()
    if kind == "link":
        place.symlink_to(mine)
    else:
        os.mkfifo(place)
    with pytest.raises(NotWritable):
        jobs.claim(tmp_path / "out", given=True)
    assert mine.read_text() == "mine"
