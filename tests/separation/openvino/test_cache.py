from __future__ import annotations

import os
from pathlib import Path

from bridge.separation.openvino.cache import STALE_SECONDS, OpenVinoCache
from tests.support.fakes import FakeClock


def folder(parent: Path, name: str, used: float) -> None:
    (parent / name).mkdir()
    os.utime(parent / name, (used, used))


def test_what_was_unused_for_longest_goes_first(tmp_path: Path) -> None:
    now = FakeClock().unix_seconds()
    for age, name in enumerate(("new", "older", "oldest")):
        folder(tmp_path, name, now - age)
    OpenVinoCache(tmp_path, clock=FakeClock()).prune(2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "older"]


def test_only_what_an_ended_conversion_left_behind_is_cleared_away(tmp_path: Path) -> None:
    now = FakeClock().unix_seconds()
    folder(tmp_path, "left.part", now - STALE_SECONDS - 1)
    folder(tmp_path, "going-on.part", now - 1)
    OpenVinoCache(tmp_path, clock=FakeClock()).prune(1)
    assert [path.name for path in tmp_path.iterdir()] == ["going-on.part"]


def test_a_checkpoint_that_is_gone_has_no_conversion(tmp_path: Path) -> None:
    assert OpenVinoCache(tmp_path, clock=FakeClock()).find(tmp_path / "gone.th", None) is None
