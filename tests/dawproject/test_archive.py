"""The archive of a project: any ZIP reader opens it, equal members give equal bytes, and memory is bounded."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dawproject.archive import Member, archive_blocks, audio_paths
from bridge.errors import NotWritable

MEGABYTE = 1 << 20


def member(path: str, *blocks: bytes, size_bytes: int = 0) -> Member:
    return Member(path, lambda: iter(blocks), size_bytes)


def archive(*members: Member) -> bytes:
    return b"".join(archive_blocks(members))


@given(st.lists(st.tuples(st.text(st.characters()), st.lists(st.binary(max_size=50), max_size=4)), max_size=6))
def test_every_member_is_read_back(files: list[tuple[str, list[bytes]]]) -> None:
    paths = audio_paths([f"{name}.wav" for name, _ in files])
    content = archive(*(member(path, *blocks) for path, (_, blocks) in zip(paths, files, strict=True)))
    with ZipFile(io.BytesIO(content)) as read:
        assert read.testzip() is None
        assert read.namelist() == paths
        assert [read.read(path) for path in paths] == [b"".join(blocks) for _, blocks in files]


def test_checksums_stand_before_the_content() -> None:
    """Some readers go through a file from its start: no bit says that a checksum follows, and no date is today's."""
    content = archive(member("project.xml", b"<Project/>"))
    assert content[:4] == b"PK\x03\x04"
    assert int.from_bytes(content[6:8], "little") & 0x08 == 0
    with ZipFile(io.BytesIO(content)) as read:
        (info,) = read.infolist()
    assert content[14:18] == info.CRC.to_bytes(4, "little")
    assert (info.date_time, info.compress_type, info.create_system) == ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 3)


def test_blocks_of_any_size_give_the_same_bytes() -> None:
    assert archive(member("a", b"one", b"two")) == archive(member("a", b"onetwo"))


def test_a_member_that_changes_while_it_is_copied_is_an_error() -> None:
    contents = iter([b"before", b"after!"])
    changing = Member("audio/a.wav", lambda: iter([next(contents)]))
    with pytest.raises(NotWritable, match="was changed while"):
        archive(changing)


def test_memory_does_not_grow_with_the_audio() -> None:
    block = bytes(MEGABYTE)

    def blocks() -> Iterator[bytes]:
        return (block for _ in range(100))

    tracemalloc.start()
    try:
        length = sum(map(len, archive_blocks([Member("audio/a.wav", blocks), Member("audio/b.wav", blocks)])))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length > 200 * MEGABYTE
    assert peak < MEGABYTE


def test_a_large_member_makes_a_zip64_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit of plain ZIP files at 1 000 bytes instead of 2 GB."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    large = member("audio/a.wav", bytes(2000), size_bytes=2000)
    file = tmp_path / "large.dawproject"
    file.write_bytes(archive(large, member("audio/b.wav", b"b")))
    assert file.read_bytes()[4:6] == (45).to_bytes(2, "little"), "the version that reads ZIP64"
    monkeypatch.undo()
    with ZipFile(file) as read:
        assert read.testzip() is None
        assert [len(read.read(name)) for name in read.namelist()] == [2000, 1]


@pytest.mark.parametrize(
    ("files", "paths"),
    [
        (["a (Vocals).wav", "a (Drums).wav"], ["a (Vocals).wav", "a (Drums).wav"]),
        (["x.wav", "x.wav", "X.WAV"], ["x.wav", "x 2.wav", "X 3.WAV"]),
        (["a/b.wav", "../b.wav"], ["a_b.wav", ".._b.wav"]),
        (["\x00\x1b\ufffe\udc80x.wav", "🥁\u202e.wav"], ["x.wav", "🥁\u202e.wav"]),
    ],
)
def test_paths_are_apart_in_one_folder(files: list[str], paths: list[str]) -> None:
    assert audio_paths(files) == [f"audio/{path}" for path in paths]
