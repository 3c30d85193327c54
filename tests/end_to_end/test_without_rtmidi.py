"""An installation without python-rtmidi, as on Python 3.13 without a compiler: no ports, and everything else works."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.programs import sab

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def without_rtmidi(tmp_path: Path) -> dict[str, str]:
    """The environment in which the import of rtmidi fails as where it is not installed, in child processes too."""
    module = tmp_path / "hidden" / "rtmidi.py"
    module.parent.mkdir()
    module.write_text("raise ModuleNotFoundError(\"No module named 'rtmidi'\", name='rtmidi')\n", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(module.parent)}


def test_doctor_and_ports_say_why_there_are_no_ports(tmp_path: Path, without_rtmidi: dict[str, str]) -> None:
    state = ("--state-dir", tmp_path / "state")
    doctor = sab("doctor", "--json", *state, environment=without_rtmidi)
    midi = next(line for line in json.loads(doctor.stdout)["findings"] if line["check"] == "midi")
    assert doctor.returncode == 0
    assert midi["verdict"] == "note"
    assert "python-rtmidi" in midi["message"] and "the extra ports" in midi["message"]
    ports = sab("ports", *state, environment=without_rtmidi)
    assert ports.returncode == 0
    assert "No MIDI ports: python-rtmidi" in ports.stdout
    assert "Stems and MIDI files are written all the same." in ports.stdout


def test_the_demo_works(tmp_path: Path, without_rtmidi: dict[str, str]) -> None:
    demo = sab("demo", "--engine", "draft", "--out", tmp_path / "out", environment=without_rtmidi)
    assert demo.returncode == 0, demo.stderr
    assert "4 stems and 5 MIDI files" in demo.stdout
    assert "No MIDI ports on this machine" in demo.stdout
