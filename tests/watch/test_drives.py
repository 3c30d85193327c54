"""What the system tells of drives, and of files that are being written."""

from __future__ import annotations

import sys
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from bridge.watch.drives import is_remote
from bridge.watch.open_files import is_open_for_writing

Drive = namedtuple("Drive", "device mountpoint fstype opts")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me", False),
        ("/mnt/share/music", True),
        ("/mnt/share/local/music", False),
        ("/mnt/shared", False),
        ("/mnt/sshfs", True),
        ("//server/music", True),
        (r"\\server\music", True),
    ],
)
def test_the_closest_drive_decides(path: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    drives = [
        Drive("/dev/sda1", "/", "ext4", "rw"),
        Drive("server:/music", "/mnt/share", "nfs4", "rw,vers=4.2"),
        Drive("/dev/sdb1", "/mnt/share/local", "xfs", "rw"),
        Drive("me@server:", "/mnt/sshfs", "fuse.sshfs", "rw"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: drives)
    assert is_remote(Path(path)) is expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_file_that_somebody_has_open_for_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with path.open("wb") as file:
        file.write(b"sound")
        file.flush()
        assert is_open_for_writing(path)
    assert not is_open_for_writing(path)
    with path.open("rb"):
        assert not is_open_for_writing(path)
    with path.open("ab") as file:
        assert is_open_for_writing(path)


def test_of_a_file_that_is_gone_nothing_is_told(tmp_path: Path) -> None:
    assert not is_open_for_writing(tmp_path / "gone.wav")
