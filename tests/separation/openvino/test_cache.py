from __future__ import annotations

import os
from pathlib import Path

from bridge.separation.openvino.cache import STALE_SECONDS, OpenVinoCache
from tests.support.fakes import FakeClock


def folder(parent: Path, name: str, used: float) -> None:
    (parent / name).mkdir()
    os.utime(parent / name, (used, used))


def test_the_least_recently_used_model_is_removed_first(tmp_path: Path) -> None:
    now = FakeClock().unix_seconds()
    for age, name in enumerate(("new", "older", "oldest")):
        folder(tmp_path, name, now - age)
    OpenVinoCache(tmp_path, clock=FakeClock()).prune(2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "older"]


def test_only_the_remains_of_killed_conversions_are_deleted(tmp_path: Path) -> None:
    now = FakeClock().unix_seconds()
    folder(tmp_path, "left.part", now - STALE_SECONDS - 1)
    folder(tmp_path, "running.part", now - 1)
    OpenVinoCache(tmp_path, clock=FakeClock()).prune(1)
    assert [path.name for path in tmp_path.iterdir()] == ["running.part"]


def test_a_missing_checkpoint_has_no_conversion(tmp_path: Path) -> None:
    assert OpenVinoCache(tmp_path, clock=FakeClock()).find(tmp_path / "gone.th", None) is None
