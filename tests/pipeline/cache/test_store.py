"""The folder of finished results: what is found again, and what goes when."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bridge
from bridge.pipeline.cache.keys import SHAPING, shaping_files
from bridge.pipeline.cache.store import ABANDONED_SECONDS, KEPT_FREE_BYTES, FileHead, ResultsCache
from bridge.pipeline.manifest import EngineRecord
from tests.support.fakes import FakeClock
from tests.support.shelf import SIZE, Shelf, entry


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_what_was_heard_is_found_under_its_key_only(shelf: Shelf) -> None:
    engine = EngineRecord(name="", device="", weights="")
    shelf.cache.keep_heard("clip", engine, {"a": b"notes"})
    assert shelf.cache.heard("a") == b"notes"
    assert shelf.cache.heard("b") is None
    shelf.store("b")
    assert shelf.cache.heard("b") is None, "a stem is nothing that was heard"


def test_only_the_head_of_a_file_is_kept_where_that_is_asked_for(shelf: Shelf) -> None:
    shelf.cache.store(entry("a", "bass.wav"), {"bass.wav": FileHead(shelf.source, 10)})
    with shelf.cache.opened("a") as cached:
        assert cached is not None
        assert (cached.entry.sizes["bass.wav"], cached.files["bass.wav"].read()) == (10, b"x" * 10)


def test_what_was_stored_is_found_under_its_key_only(shelf: Shelf) -> None:
    shelf.store("a")
    with shelf.cache.opened("a") as cached:
        assert cached is not None
        assert cached.entry.sizes == {"bass.wav": SIZE}
        assert cached.files["bass.wav"].read() == b"x" * SIZE
    assert not shelf.holds("b")


def test_the_least_recently_used_goes_first(shelf: Shelf) -> None:
    for key in "abc":
        shelf.store(key)
    assert shelf.holds("a")
    shelf.store("d")
    assert shelf.keys == ["d", "a", "c"]


def test_what_is_larger_than_the_cache_is_not_kept_and_drives_nothing_out(shelf: Shelf) -> None:
    shelf.store("a")
    shelf.source.write_bytes(b"x" * (3 * SIZE + 1))
    shelf.store("b")
    assert shelf.keys == ["a"]


def test_the_cache_shrinks_as_its_drive_fills(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in "abc":
        shelf.store(key)
    usage = shutil.disk_usage(shelf.cache.folder)._replace(free=KEPT_FREE_BYTES - SIZE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    shelf.store("d")
    assert shelf.keys == ["d", "c"]


@pytest.mark.parametrize("damage", ["short", "other", "gone", "no index", "no json", "elsewhere"])
def test_a_damaged_entry_is_no_entry_and_goes(shelf: Shelf, damage: str) -> None:
    shelf.store("a")
    folder = shelf.cache.folder / "a"
    index = folder / "entry.json"
    match damage:
        case "short":
            (folder / "bass.wav").write_bytes(b"x")
        case "other":  # as long as before: what a drive may leave of a file after the power went
            (folder / "bass.wav").write_bytes(bytes(SIZE))
        case "gone":
            (folder / "bass.wav").unlink()
        case "no index":
            index.unlink()
        case "no json":
            index.write_bytes(index.read_bytes()[:-10])
        case "elsewhere":
            index.write_bytes(index.read_bytes().replace(b"bass.wav", b"../../made.wav"))
    assert not shelf.holds("a")
    assert not folder.exists()
    assert shelf.source.exists()


def test_an_entry_that_vanishes_while_it_is_read_is_read_to_its_end(shelf: Shelf) -> None:
    shelf.store("a")
    with shelf.cache.opened("a") as cached:
        assert cached is not None
        assert Shelf(shelf.source.parent).cache.clear() == 1 or sys.platform == "win32"
        assert cached.files["bass.wav"].read() == b"x" * SIZE


def test_a_file_that_cannot_be_copied_costs_its_entry_only(shelf: Shelf) -> None:
    shelf.source.unlink()
    shelf.store("a")
    assert shelf.keys == []
    assert not shelf.cache.folder.exists() or not [*shelf.cache.folder.iterdir()]


def test_clearing_takes_all_that_lies_there(shelf: Shelf) -> None:
    for key in "ab":
        shelf.store(key)
    (shelf.cache.folder / ".c.1.partial").mkdir()
    assert shelf.cache.clear() == 2
    assert [*shelf.cache.folder.iterdir()] == []


def test_what_a_dead_process_left_goes_when_it_is_old(shelf: Shelf) -> None:
    abandoned = shelf.cache.folder / ".c.1.partial"
    abandoned.mkdir(parents=True)
    shelf.clock.now = abandoned.stat().st_mtime - shelf.clock.unix_seconds() + shelf.clock.now
    shelf.store("a")
    assert abandoned.exists()
    shelf.clock.turn(ABANDONED_SECONDS)
    shelf.store("b")
    assert not abandoned.exists()


def test_every_module_that_shapes_a_file_is_in_the_keys() -> None:
    root = Path(bridge.__file__).parent
    known = {name.removesuffix(".py") for name in SHAPING}
    used = set()
    for file in shaping_files(root):
        if file.suffix == ".py":
            used |= set(re.findall(r"^\s*(?:from|import) bridge\.(\w+)", file.read_text("utf-8"), re.MULTILINE))
    # Words, seams, names of files, and the writer of what is no result.
    assert used - known == {"errors", "events", "project_paths", "protocols", "system"}


def test_weights_that_come_with_the_program_are_in_the_keys() -> None:
    root = Path(bridge.__file__).parent
    rooms = [root / room for room in SHAPING if (root / room).is_dir()]
    others = {file for room in rooms for file in room.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert others <= set(shaping_files(root))


@pytest.mark.end_to_end
def test_processes_that_share_a_cache_do_not_disturb_each_other(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tests.support.shelf import Shelf
shelf = Shelf(Path({str(tmp_path)!r}) / sys.argv[1])
shelf.cache = type(shelf.cache)(Path({str(tmp_path)!r}) / "shared", 4000, shelf.clock)
for number in range(60):
    key = "abcdef"[number % 6]
    shelf.store(key)
    with shelf.cache.opened(key) as cached:
        if cached is not None:
            assert cached.files["bass.wav"].read() == b"x" * 1000
"""
    for name in "12":
        (tmp_path / name).mkdir()
    command = [sys.executable, "-W", "error", "-c", program]
    both = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in "12"]
    told = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert "Traceback" not in "".join(told)
    cache = ResultsCache(tmp_path / "shared", 4000, FakeClock())
    for kept in cache.kept():
        with cache.opened(kept.entry.key) as cached:
            assert cached is not None
