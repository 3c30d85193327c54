"""The manual pages are those of the command line, and what reads manual pages understands them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from bridge.options.table import OPTIONS
from tools.man_pages import FOLDER, pages


def test_the_pages_are_those_of_the_command_line() -> None:
    """If it fails: `python -m tools.man_pages`."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.1")} == pages()


def test_every_option_of_a_job_stands_in_the_page_of_its_command() -> None:
    made = pages()
    for name, option in OPTIONS.items():
        if "process" in option.commands:
            assert f"\\-\\-{name.replace('-', chr(92) + '-')}" in made["sab-process.1"], name


@pytest.mark.skipif(shutil.which("man") is None, reason="this machine has no man")
@pytest.mark.parametrize("name", ["sab.1", "sab-process.1", "sab-models-show.1"])
def test_man_shows_a_page_without_complaints(name: str) -> None:
    how = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANROFFOPT": "-ww"}
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(FOLDER / name)], env=how, capture_output=True, text=True, check=True
    )
    assert "NAME" in shown.stdout
    assert "EXIT STATUS" in shown.stdout
    assert not shown.stderr
