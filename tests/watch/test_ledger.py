"""The ledger of a watched folder: what is written is there after every end."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bridge.errors import NotWritable
from bridge.watch.ledger import ClipLedger, FolderWatched, ledger_path, read_ledger
from bridge.watch.values import FileState, WatchedClip

FOLDER = Path("/music/in").absolute()


def clip(path: str = "a.wav", **fields: object) -> WatchedClip:
    values: dict[str, object] = {"path": path, "file": FileState(3, 4), "state": "done", "unix_seconds": 1.5, **fields}
    return WatchedClip(**values)  # type: ignore[arg-type]


def test_clips_are_read_as_they_were_written(tmp_path: Path) -> None:
    large = FileState(1 << 40, 1 << 62)
    names = ["a.wav", "sub/ä ♪.wav", *([os.fsdecode(b"caf\xe9.wav")] if sys.platform == "linux" else [])]
    clips = {name: clip(name, file=large, state="failed", code="not_audio", message="No.", job="abc") for name in names}
    ledger = ClipLedger(tmp_path, FOLDER)
    ledger.put(clips.values())
    assert read_ledger(tmp_path, FOLDER) == clips
    ledger.close()
    again = ClipLedger(tmp_path, FOLDER)
    assert again.read() == clips
    again.put([clip(state="waiting")])
    assert again.read()["a.wav"] == clip(state="waiting")
    again.close()


def test_only_one_program_has_it(tmp_path: Path) -> None:
    ledger = ClipLedger(tmp_path, FOLDER)
    with pytest.raises(FolderWatched, match="watched already"):
        ClipLedger(tmp_path, FOLDER)
    other = ClipLedger(tmp_path, FOLDER / "sub")
    ledger.close()
    ClipLedger(tmp_path, FOLDER).close()
    other.close()


def test_nobody_was_there_before_the_first_watch(tmp_path: Path) -> None:
    assert read_ledger(tmp_path, FOLDER) == {}
    assert not (tmp_path / "watch").exists()


@pytest.mark.parametrize("content", [b"this is no database" * 100, b""], ids=["damaged", "empty"])
def test_a_damaged_one_is_set_aside_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = ledger_path(tmp_path, FOLDER)
    path.parent.mkdir()
    path.write_bytes(content)
    ledger = ClipLedger(tmp_path, FOLDER)
    assert ledger.was_damaged is bool(content)
    ledger.put([clip()])
    assert ledger.read() == {"a.wav": clip()}
    ledger.close()
    assert bool([*path.parent.glob("*.damaged*")]) is bool(content)


def test_damage_that_only_reading_everything_finds_is_found_at_the_start(tmp_path: Path) -> None:
    ledger = ClipLedger(tmp_path, FOLDER)
    ledger.put([clip(f"{number}.wav", state="failed", message="x" * 20_000) for number in range(3)])
    ledger.close()
    path = ledger_path(tmp_path, FOLDER)
    content = bytearray(path.read_bytes())
    page = next(at for at in range(0, len(content), 4096) if content[at + 4 : at + 40] == b"x" * 36)
    content[page : page + 4] = b"\x7f\xff\xff\xff"  # where a long text goes on
    path.write_bytes(content)
    with pytest.raises(NotWritable, match="malformed"):
        read_ledger(tmp_path, FOLDER)
    ledger = ClipLedger(tmp_path, FOLDER)
    assert ledger.was_damaged
    assert ledger.read() == {}
    ledger.close()


def test_a_reason_that_is_no_text_any_more_hides_no_clip(tmp_path: Path) -> None:
    ledger = ClipLedger(tmp_path, FOLDER)
    ledger.put([clip()])
    ledger.close()
    with closing(sqlite3.connect(ledger_path(tmp_path, FOLDER))) as connection, connection:
        connection.execute("UPDATE clips SET message = CAST(x'6eff' AS TEXT)")
    ledger = ClipLedger(tmp_path, FOLDER)
    assert ledger.read() == {"a.wav": clip(message="n\ufffd")}
    ledger.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    ClipLedger(tmp_path, FOLDER).close()
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "watch").iterdir()}
    assert set(modes.values()) == {0}, modes
    assert (tmp_path / "watch").stat().st_mode & 0o077 == 0
