"""Folders of the bridge's own are closed to other accounts, also those of earlier versions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.system.private_folders import close_to_others


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_folders_of_earlier_versions_are_closed_to_others_but_links_are_not_followed(tmp_path: Path) -> None:
    cache, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    for folder in (cache, elsewhere):
        folder.mkdir()
        folder.chmod(0o755)
    (tmp_path / "link").symlink_to(elsewhere)
    close_to_others([cache, tmp_path / "link", tmp_path / "gone"])
    assert [folder.stat().st_mode & 0o777 for folder in (cache, elsewhere)] == [0o700, 0o755]
