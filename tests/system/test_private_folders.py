"""Folders of the bridge's own are closed to other accounts, also those of earlier versions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.system.private_folders import close_folder, close_to_others


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_folders_of_earlier_versions_are_closed_to_others_but_links_are_not_followed(tmp_path: Path) -> None:
    cache, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    for folder in (cache, elsewhere):
        folder.mkdir()
        folder.chmod(0o755)
    (tmp_path / "link").symlink_to(elsewhere)
    close_to_others([cache, tmp_path / "link", tmp_path / "gone"])
    assert [folder.stat().st_mode & 0o777 for folder in (cache, elsewhere)] == [0o700, 0o755]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize("other", ["", "song.wav"])
def test_a_folder_of_state_is_closed_with_all_that_is_ours_but_not_what_else_lies_there(
    tmp_path: Path, other: str
) -> None:
    state = tmp_path / "state"
    ours = [
        state / name
        for name in ("9720", "9721-127.0.0.2", "9720-__1", "jobs.sqlite", "bridge.log.1", "token", "farm", "watch")
    ]
    theirs = [state / other] if other else []
    for entry in (*ours, *theirs):
        entry.mkdir(parents=True)
    for entry in (state, *ours, *theirs):
        entry.chmod(0o755)
    close_folder(state)
    assert {entry.stat().st_mode & 0o777 for entry in ours} == {0o700}
    assert [entry.stat().st_mode & 0o777 for entry in (state, *theirs)] == ([0o755, 0o755] if other else [0o700])
