"""A small file is written whole or not at all."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.system.files import read_json, write_whole


def test_writing_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    for content in (b"one", b"two"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    write_whole(path, b"old")

    def full(partial: Path, _content: bytes) -> int:
        partial.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_a_file_where_the_folder_should_be_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder" / "file", b"content")


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
