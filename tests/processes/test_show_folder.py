"""Showing a folder: the command of each system, what is refused, and that neither a shell nor its content runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.errors import EngineFailed, NotFound
from bridge.processes.show_folder import command_for, show_folder

#: Names that a shell, an option parser or a URL reader would take for something else.
HOSTILE = ["/out/$(touch gone)", "/out/a; rm -rf b", "/out/-R", "/out/100% &'\"", "/out/Evil.app", "/out/Ü  x"]


@pytest.fixture
def desktop(tmp_path: Path) -> dict[str, str]:
    """A desktop whose xdg-open notes what it was given, each argument on a line."""
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{tmp_path}/given"\ntest ! -e "{tmp_path}/refuses"\n')
    opener.chmod(0o755)
    return {"DISPLAY": ":0", "PATH": f"{opener.parent}:/usr/bin:/bin"}


@pytest.mark.parametrize("folder", HOSTILE)
def test_the_folder_is_one_argument(desktop: dict[str, str], folder: str) -> None:
    assert command_for(folder, f"{folder}/a.wav", "darwin", {}) == ("/usr/bin/open", "-R", f"{folder}/a.wav")
    assert command_for(folder, folder, "linux", desktop)[1:] == (folder,)


def test_without_a_desktop_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=r"without a desktop\. It is /out"):
        command_for("/out", "/out", "linux", {"PATH": str(tmp_path)})
    with pytest.raises(EngineFailed, match=r"no xdg-open\. It is /out"):
        command_for("/out", "/out", "linux", {"WAYLAND_DISPLAY": "wayland-0", "PATH": str(tmp_path)})


@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is of Linux desktops")
async def test_a_folder_is_shown_and_a_refusal_told(
    tmp_path: Path, desktop: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in desktop.items():
        monkeypatch.setenv(name, value)
    for name in ("$(touch gone)", "a; touch gone", "Ü  x"):
        (tmp_path / name).mkdir()
        await show_folder(str(tmp_path / name))
        assert (tmp_path / "given").read_text().splitlines()[-1] == str(tmp_path / name)
    assert not list(tmp_path.rglob("gone"))
    (tmp_path / "refuses").touch()
    with pytest.raises(EngineFailed, match="cannot be shown"):
        await show_folder(str(tmp_path))


@pytest.mark.parametrize(
    "folder", ["/no/such/folder", "relative", "-R", "", "https://example.org", "/tmp\0x", __file__]
)
async def test_only_a_folder_that_is_there_is_shown(folder: str) -> None:
    with pytest.raises(NotFound):
        await show_folder(folder)
