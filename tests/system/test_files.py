"""A small file is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, cast

import pytest

from bridge.system.files import modified_ns, open_to_read, read_json, read_small, sha256_of, write_whole

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")


def test_writing_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    for content in (b"one", b"two"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    write_whole(path, b"old")

    def full(_descriptor: int, _mode: str) -> BinaryIO:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_a_file_where_the_folder_should_be_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder" / "file", b"content")


@POSIX
def test_files_of_the_bridge_are_for_the_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_whole(tmp_path / "a" / "b" / "private.json", b"{}")
        write_whole(tmp_path / "c" / "script.lua", b"", private=False)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "b": 0o700, "private.json": 0o600, "c": 0o777, "script.lua": 0o666}


@POSIX
def test_a_link_at_the_temporary_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
    (tmp_path / ".file.json.guessed.partial").symlink_to(mine)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "file.json", b"ours")
    assert mine.read_bytes() == b"mine"


def test_two_threads_can_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    with ThreadPoolExecutor(2) as threads:
        for _ in threads.map(lambda number: write_whole(path, contents[number % 2]), range(200)):
            pass
    assert path.read_bytes() in contents
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


HOSTILE = {
    "no UTF-8": b'{"a": "\xff"}',
    "deep": b'{"a":' * 5000,
    "of another type": b"[1, 2]",
    "cut off": b'{"a": 1',
    "empty": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_invalid_content_is_a_valueerror(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        read_json(tmp_path / "file.json", dict[str, int])


def test_a_pipe_or_a_huge_file_is_never_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no file"):
        read_json(tmp_path / "pipe", dict[str, int])
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(ValueError, match="larger"):
        read_json(tmp_path / "huge", dict[str, int])


@POSIX
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clip.wav")
    for read in (open_to_read, sha256_of, read_small):
        with pytest.raises(OSError, match="no file"):
            read(tmp_path / "clip.wav")


@pytest.mark.parametrize(
    ("told", "shown"),
    [(-(12 * 10**18), -(2**63)), (-5, -5), (1_700_000_000_123_456_789, 1_700_000_000_123_456_789), (10**20, 2**63 - 1)],
)
def test_a_date_that_no_database_has_room_for_is_the_nearest_one(told: int, shown: int) -> None:
    assert modified_ns(cast("os.stat_result", SimpleNamespace(st_mtime_ns=told))) == shown
