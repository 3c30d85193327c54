"""REAPER's scripts with a real bridge and the real `sab`; only REAPER itself is the fake of tests/integrations."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.integrations.daws import DAWS, BridgeAddress, lua_text
from bridge.system.own_program import own_sab
from tests.integrations.reaper import FAKE, IMPORT, KARAOKE, LUA
from tests.support.programs import sab, serving
from tests.support.sounds import music, write

pytestmark = pytest.mark.skipif(LUA is None, reason="no Lua interpreter is installed (Debian: lua5.3)")
WAIT_SECONDS = 60


def run_reaper(folder: Path, port: int, *scripts: str) -> list[list[str]]:
    """Runs scripts in the fake with two items: seconds 0.5 to 1.5 and 1.5 to 2.5 of a song, on one track."""
    for name, content in DAWS["reaper"].contents(BridgeAddress("127.0.0.1", port, own_sab())).items():
        (folder / name).write_bytes(content)
    (folder / "resources").mkdir(exist_ok=True)
    items = ", ".join(
        f'{{ file = {lua_text(str(folder / "song.wav"))}, name = "{name}", start = {start}, place = {4 + start}, '
        "length = 1.0, rate = 1.0, track = 1, seconds = 3.0 }"
        for name, start in (("verse", 0.5), ("chorus", 1.5))
    )
    plan = folder / "plan.lua"
    plan.write_text(
        f"return {{ file = {lua_text(str(folder / 'song.rpp'))}, resources = {lua_text(str(folder / 'resources'))}, "
        f"tempo = 120, items = {{ {items} }}, stem_seconds = 1.0 }}"
    )
    assert LUA is not None
    command = [LUA, str(FAKE), str(plan), *(str(folder / script) for script in scripts)]
    environment = {**os.environ, "NO_COLOR": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    return [line.split("\t") for line in ended.stdout.splitlines()]


def test_two_items_come_back_as_one_group_on_shared_tracks(tmp_path: Path) -> None:
    assert shutil.which("sh")
    write(tmp_path / "song.wav", music(3.0))
    (tmp_path / "song.rpp").touch()
    manifests = [tmp_path / "stems" / name / f"{name}.sab.json" for name in ("verse", "chorus")]
    done = " && ".join(f"test -f '{path}'" for path in manifests)
    wait = f"for i in $(seq {WAIT_SECONDS * 10}); do {done} && exit 0; sleep 0.1; done; exit 1"
    (tmp_path / "wait.lua").write_text(f"assert (os.execute ({lua_text(wait)}))")
    with serving(tmp_path, "--engine", "draft", "--no-midi") as server:
        output = run_reaper(tmp_path, server.port, KARAOKE, "wait.lua", IMPORT)
        listed = sab("send", "/sab/list", "--port", str(server.port)).stdout
    assert [line.split()[-2] for line in listed.splitlines() if "/sab/job.group" in line] == ["1", "2"]
    placed = [line[1:4] for line in output if line[0] == "item"][2:]
    expected = [
        [track, f"{name} ({track})", place]
        for track in ("Vocals", "Instrumental", "Vocals")
        for name, place in (("verse", "4.5"), ("chorus", "5.5"))
    ]
    assert placed == expected
    assert not [line for line in output if line[0] == "message"]
    source = json.loads(manifests[1].read_text())["source"]
    assert (source["start_frame"], source["frames"]) == (round(1.5 * 44_100), 44_100)


def test_a_bridge_that_does_not_run_is_said(tmp_path: Path) -> None:
    write(tmp_path / "song.wav", music(3.0))
    output = run_reaper(tmp_path, 1, KARAOKE)
    assert output[0][0] == "message"
    assert "The bridge does not answer. Start it with `sab`" in output[0][1]
    assert ["waiting", "0"] in output
