"""What the screen remembers, and what it does with a file that is not its own."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from tui.memory import NAME, Choices, Memory


def test_choices_are_there_at_the_next_start(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.remember(theme="day", add={"engine": "draft"})
    memory.close()
    assert Memory(tmp_path).choices == Choices(theme="day", add={"engine": "draft"})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_nobody_else_reads_them(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state")
    memory.remember(folder="/music")
    memory.close()
    assert stat.S_IMODE((tmp_path / "state" / NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_two_screens_keep_each_others_choices(tmp_path: Path) -> None:
    one, other = Memory(tmp_path), Memory(tmp_path)
    one.remember(theme="day")
    one.close()
    other.remember(folder="/music")
    other.close()
    assert Memory(tmp_path).choices == Choices(theme="day", folder="/music")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"theme": 3}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    memory = Memory(tmp_path)
    assert memory.choices == Choices()
    memory.remember(theme="day")
    memory.close()
    assert Memory(tmp_path).choices.theme == "day"


def test_a_file_of_a_later_version_is_read(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b'{"theme": "day", "colour_of_the_moon": "white"}')
    assert Memory(tmp_path).choices.theme == "day"


def test_without_a_drive_the_screen_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory(tmp_path / "file")
    memory.remember(theme="day")
    memory.close()
    assert memory.choices.theme == "day"
