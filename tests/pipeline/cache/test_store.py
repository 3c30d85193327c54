"""The results cache: which entries are found, and which are removed when."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bridge
from bridge.pipeline.cache.keys import SHAPING, shaping_files
from bridge.pipeline.cache.store import ABANDONED_SECONDS, MIN_FREE_BYTES, FileRange, ResultsCache
from bridge.pipeline.manifest import EngineRecord
from tests.support.fakes import FakeClock
from tests.support.shelf import SIZE, SmallCache, entry


@pytest.fixture
def small(tmp_path: Path) -> SmallCache:
    return SmallCache(tmp_path)


def test_an_analysis_is_found_under_its_key_only(small: SmallCache) -> None:
    engine = EngineRecord(name="", device="", weights="")
    small.cache.store_analyses("clip", engine, {"a": b"notes"})
    assert small.cache.analysis("a") == b"notes"
    assert small.cache.analysis("b") is None
    small.store("b")
    assert small.cache.analysis("b") is None, "a stem is not an analysis"


def test_only_the_head_of_a_file_is_stored_if_requested(small: SmallCache) -> None:
    with small.source.open("rb") as file:
        small.cache.store(entry("a", "bass.wav"), {"bass.wav": FileRange(file, 10)})
    with small.cache.open_entry("a") as cached:
        assert cached is not None
        assert (cached.entry.sizes["bass.wav"], cached.files["bass.wav"].read()) == (10, b"x" * 10)


def test_an_entry_is_found_under_its_key_only(small: SmallCache) -> None:
    small.store("a")
    with small.cache.open_entry("a") as cached:
        assert cached is not None
        assert cached.entry.sizes == {"bass.wav": SIZE}
        assert cached.files["bass.wav"].read() == b"x" * SIZE
    assert not small.holds("b")


def test_the_least_recently_used_entry_is_removed_first(small: SmallCache) -> None:
    for key in "abc":
        small.store(key)
    assert small.holds("a")
    small.store("d")
    assert small.keys == ["d", "a", "c"]


def test_an_entry_larger_than_the_cache_is_not_stored_and_removes_nothing(small: SmallCache) -> None:
    small.store("a")
    small.source.write_bytes(b"x" * (3 * SIZE + 1))
    small.store("b")
    assert small.keys == ["a"]


def test_the_cache_shrinks_as_its_drive_fills(small: SmallCache, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in "abc":
        small.store(key)
    usage = shutil.disk_usage(small.cache.folder)._replace(free=MIN_FREE_BYTES - SIZE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    small.store("d")
    assert small.keys == ["d", "c"]


@pytest.mark.parametrize("damage", ["short", "other", "gone", "no index", "no json", "elsewhere"])
def test_a_damaged_entry_is_removed(small: SmallCache, damage: str) -> None:
    small.store("a")
    folder = small.cache.folder / "a"
    index = folder / "entry.json"
    match damage:
        case "short":
            (folder / "bass.wav").write_bytes(b"x")
        case "other":  # of the right size, as a drive may leave a file after a power cut
            (folder / "bass.wav").write_bytes(bytes(SIZE))
        case "gone":
            (folder / "bass.wav").unlink()
        case "no index":
            index.unlink()
        case "no json":
            index.write_bytes(index.read_bytes()[:-10])
        case "elsewhere":
            index.write_bytes(index.read_bytes().replace(b"bass.wav", b"../../made.wav"))
    assert not small.holds("a")
    assert not folder.exists()
    assert small.source.exists()


def test_an_entry_that_is_removed_while_open_can_be_read_to_its_end(small: SmallCache) -> None:
    small.store("a")
    with small.cache.open_entry("a") as cached:
        assert cached is not None
        assert SmallCache(small.source.parent).cache.clear() == 1 or sys.platform == "win32"
        assert cached.files["bass.wav"].read() == b"x" * SIZE


def test_a_file_that_cannot_be_copied_is_not_stored(small: SmallCache) -> None:
    small.source.write_bytes(b"short")
    small.store("a")
    assert small.keys == []
    assert not small.cache.folder.exists() or not [*small.cache.folder.iterdir()]


def test_clearing_removes_everything(small: SmallCache) -> None:
    for key in "ab":
        small.store(key)
    (small.cache.folder / ".c.1.partial").mkdir()
    assert small.cache.clear() == 2
    assert [*small.cache.folder.iterdir()] == []


def test_an_old_partial_entry_of_a_dead_process_is_removed(small: SmallCache) -> None:
    abandoned = small.cache.folder / ".c.1.partial"
    abandoned.mkdir(parents=True)
    small.clock.now = abandoned.stat().st_mtime - small.clock.unix_seconds() + small.clock.now
    small.store("a")
    assert abandoned.exists()
    small.clock.advance(ABANDONED_SECONDS)
    small.store("b")
    assert not abandoned.exists()


def test_every_module_that_shapes_a_file_is_in_the_keys() -> None:
    root = Path(bridge.__file__).parent
    known = {name.removesuffix(".py") for name in SHAPING}
    used = set()
    for file in shaping_files(root):
        if file.suffix == ".py":
            used |= set(re.findall(r"^\s*(?:from|import) bridge\.(\w+)", file.read_text("utf-8"), re.MULTILINE))
    # Errors, protocols, file names, events, their fold and words do not affect the content of results.
    assert used - known == {"errors", "events", "lifecycle", "project_paths", "protocols", "system", "wording"}


def test_weights_that_come_with_the_program_are_in_the_keys() -> None:
    root = Path(bridge.__file__).parent
    rooms = [root / room for room in SHAPING if (root / room).is_dir()]
    others = {file for room in rooms for file in room.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    licences = {file for file in others if file.name in ("LICENSE", "NOTICE")}
    assert others - licences <= set(shaping_files(root))


@pytest.mark.end_to_end
def test_processes_that_share_a_cache_do_not_disturb_each_other(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tests.support.shelf import SmallCache
small = SmallCache(Path({str(tmp_path)!r}) / sys.argv[1])
small.cache = type(small.cache)(Path({str(tmp_path)!r}) / "shared", 4000, small.clock)
for number in range(60):
    key = "abcdef"[number % 6]
    small.store(key)
    with small.cache.open_entry(key) as cached:
        if cached is not None:
            assert cached.files["bass.wav"].read() == b"x" * 1000
"""
    for name in "12":
        (tmp_path / name).mkdir()
    command = [sys.executable, "-W", "error", "-c", program]
    both = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in "12"]
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert "Traceback" not in "".join(errors)
    cache = ResultsCache(tmp_path / "shared", 4000, FakeClock())
    for stored in cache.entries():
        with cache.open_entry(stored.entry.key) as cached:
            assert cached is not None
