"""`sab library` with real processes: killed in the middle, interrupted, said again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bridge.library.place import hold
from bridge.pipeline.manifest import decode_manifest
from tests.support.farm import Farm
from tests.support.programs import sab
from tests.support.sounds import music, read, write

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]
SONGS = 6
OPTIONS = ("--engine", "draft", "--midi", "bass", "--json")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for number in range(SONGS):
        album = tmp_path / "music" / f"album {number // 3}"
        album.mkdir(parents=True, exist_ok=True)
        write(album / f"song {number}.wav", music(seconds=1.0 + number / 10))
    return tmp_path / "music"


def begin(
    library: Path, out: Path, *options: str, environment: Mapping[str, str] = MappingProxyType({})
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bridge", "library", str(library), "--out", str(out), *OPTIONS, *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def until_done(process: subprocess.Popen[str], songs: int) -> None:
    """Reads what a run tells until so many songs are done."""
    assert process.stdout is not None
    while songs:
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        songs -= json.loads(line).get("event") == "done"


def last_of(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def check_results(library: Path, out: Path) -> None:
    """Each song has one folder, with whole files and nothing else."""
    for song in library.rglob("*.wav"):
        folder = out / "music" / song.parent.name / song.stem
        manifest = decode_manifest((folder / f"{song.stem}.sab.json").read_bytes())
        assert manifest.source.path == str(song)
        assert {path.name for path in folder.iterdir()} == {
            *(result.file for result in manifest.results), f"{song.stem}.sab.json",
        }  # fmt: skip
        assert manifest.sizes == {path.name: path.stat().st_size for path in folder.iterdir() if path.suffix != ".json"}
        stems = [read(folder / result.file) for result in manifest.results if result.kind == "stem"]
        assert {stem.shape for stem in stems} == {read(song).shape}
    assert len([*out.rglob("*.sab.json")]) == SONGS
    assert not [path for path in out.rglob("song * *") if path.is_dir()]


def test_killed_in_the_middle_it_goes_on_and_nothing_is_lost_or_half(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with begin(library, out) as process:
        until_done(process, 2)
        process.kill()
    done = [*out.rglob("*.sab.json")]
    assert 2 <= len(done) < SONGS
    before = {path: path.stat().st_mtime_ns for path in done}
    run = sab("library", library, "--out", out, *OPTIONS)
    assert run.returncode == 0, run.stderr
    end = last_of(run.stdout)
    assert (end["state"], end["found"], end["failed"], end["left"]) == ("done", SONGS, 0, 0)
    assert end["done_before"] + end["done"] == SONGS
    check_results(library, out)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_interrupted_it_leaves_no_half_file_and_says_how_to_go_on(library: Path, tmp_path: Path) -> None:
    (library / "album 0" / "broken.wav").write_bytes(b"no sound")
    out = tmp_path / "out"
    with begin(library, out) as process:
        until_done(process, 1)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert last_of(rest)["state"] == "cancelled"
    assert not [path for path in out.rglob(".*") if path.name.endswith((".partial", ".claim"))]
    again = sab("library", library, "--out", out, *(option for option in OPTIONS if option != "--json"))
    assert again.returncode == 1  # for the broken one
    assert "broken.wav,not_audio" in (out / "failed.csv").read_text(encoding="utf-8")
    place = hold(out)
    second = sab("library", library, "--out", out, *OPTIONS)
    place.close()
    assert (second.returncode, second.stdout) == (1, "")
    assert "already works on" in second.stderr
    (library / "album 0" / "broken.wav").unlink()
    check_results(library, out)


def test_a_farm_does_a_library_and_its_worker_killed_in_the_middle_loses_nothing(library: Path, tmp_path: Path) -> None:
    with Farm(tmp_path / "farm") as farm:
        library = library.rename(farm.music / "music")
        out = farm.music / "out"
        farm.start_scheduler()
        for name in ("one", "two"):
            farm.start_worker(name)
        state = str(farm.settings.state_dir)
        with begin(library, out, "--cluster", farm.address, environment={"SAB_STATE_DIR": state}) as process:
            until_done(process, 1)
            farm.kill("one")
            rest, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        assert last_of(rest)["done"] == SONGS
    check_results(library, out)


def test_no_farm_is_begun_without_its_certificates(library: Path, tmp_path: Path) -> None:
    run = sab("library", library, "--out", tmp_path / "out", "--cluster", "tls://localhost:1", *OPTIONS)
    assert run.returncode == 2
    assert "bad_arguments" in run.stderr
