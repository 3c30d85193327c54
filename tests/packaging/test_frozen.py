"""The program in the frozen folder, as far as it can be tested without freezing: `sys.frozen` is set."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bridge.system import own_program
from tests.worlds.shown import ROOT

#: Runs `bridge/__main__.py` as PyInstaller's starter does: `sys.argv` has no Python, and `sys.frozen` is set.
STARTER = "import runpy, sys; sys.frozen = True; runpy.run_path('bridge/__main__.py', run_name='__main__')"


def frozen_sab(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", STARTER, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.end_to_end
def test_it_is_sab() -> None:
    assert frozen_sab("--version").stdout.startswith("Source Audio Bridge ")


@pytest.mark.end_to_end
def test_it_runs_the_bridges_own_modules_and_no_others(tmp_path: object) -> None:
    built = frozen_sab("-m", "max_for_live.generator", str(tmp_path))
    assert built.returncode == 0, built.stderr
    assert "Source Audio Bridge.amxd" in built.stdout
    assert frozen_sab("-m", "bridge.worker").returncode == 0  # nobody is there to send it its settings
    assert frozen_sab("-m", "timeit").returncode == 2


def test_outside_of_it_a_module_is_run_by_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_program.own_program("bridge.worker") == (sys.executable, "-m", "bridge.worker")
    assert own_program.own_sab() == (sys.executable, "-m", "bridge")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_program.own_sab() == (sys.executable,)


def test_no_process_of_ours_is_started_in_another_way() -> None:
    others = [
        str(file.relative_to(ROOT))
        for room in ("bridge", "tui")
        for file in (ROOT / room).rglob("*.py")
        if "sys.executable" in file.read_text(encoding="utf-8")
    ]
    assert others == ["bridge/system/own_program.py"]
