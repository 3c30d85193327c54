import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import NotWritable, OutOfSpace
from bridge.pipeline.output_folder import OutputFolder, remove_partials

FILES = ("song.sab.json",)


def claim(path: Path, *, given: bool = False, job: str = "job1") -> OutputFolder:
    return OutputFolder.claim(job, path, given=given, files=FILES)


def test_a_second_job_gets_its_own_folder(tmp_path: Path) -> None:
    claimed = [claim(tmp_path / "stems" / "song", job=f"job{n}").path.name for n in range(3)]
    assert claimed == ["song", "song 2", "song 3"]


def test_a_named_folder_may_hold_other_files(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    assert claim(tmp_path, given=True).path == tmp_path


def test_files_in_a_named_folder_are_never_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "song.sab.json").touch()
    assert claim(out, given=True).path == tmp_path / "out 2"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = claim(tmp_path / "song")
    with folder.new_file("a.wav") as temporary:
        temporary.write_bytes(b"half")
        assert temporary.parent == folder.path
        assert not (folder.path / "a.wav").exists()
    assert [entry.name for entry in folder.path.iterdir()] == ["a.wav"]
    with pytest.raises(KeyError), folder.new_file("b.wav") as temporary:
        temporary.write_bytes(b"half")
        raise KeyError
    assert [entry.name for entry in folder.path.iterdir()] == ["a.wav"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    folder = claim(tmp_path / "song")
    with pytest.raises(NotWritable), folder.new_file("a.wav") as temporary:
        temporary.write_bytes(b"ours")
        (folder.path / "a.wav").write_bytes(b"theirs")
    assert (folder.path / "a.wav").read_bytes() == b"theirs"


def test_cleaning_up_removes_temporary_files_and_empty_folders(tmp_path: Path) -> None:
    folder = claim(tmp_path / "stems" / "song")
    folder.scratch("bass").touch()
    folder.clean_up()
    assert list(tmp_path.iterdir()) == []


def test_cleaning_up_keeps_complete_files(tmp_path: Path) -> None:
    folder = claim(tmp_path / "stems" / "song")
    (folder.path / "song (Bass).wav").touch()
    folder.scratch("vocals").touch()
    folder.clean_up()
    assert [entry.name for entry in folder.path.iterdir()] == ["song (Bass).wav"]


def test_only_the_jobs_own_temporary_files_are_removed(tmp_path: Path) -> None:
    mine, other = claim(tmp_path, given=True), claim(tmp_path, given=True, job="job2")
    mine.scratch("[x]*").touch()
    other.scratch("y").touch()
    remove_partials("job1", tmp_path)
    assert list(tmp_path.iterdir()) == [other.scratch("y")]


@pytest.mark.parametrize("place", ["/proc/sab", "/dev/null/sab"])
def test_an_unwritable_folder_is_a_not_writable_error(place: str) -> None:
    with pytest.raises(NotWritable, match=place):
        claim(Path(place))


def test_a_full_drive_is_an_error_before_and_during_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = claim(tmp_path / "song")
    with pytest.raises(OutOfSpace), folder.new_file("a.wav"):
        raise OSError(errno.ENOSPC, "No space left on device")

    def nearly_full(_: Path) -> Any:
        return shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with pytest.raises(OutOfSpace, match="1 MB are free"):
        folder.check_space(10**6)
