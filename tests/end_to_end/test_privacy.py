"""Nothing leaves the machine: complete jobs and every command, in a network of loopback only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import bridge
from bridge.system.privacy import TELEMETRY_OFF, TELEMETRY_PACKAGES, disable_telemetry
from tests.support import witness
from tests.support.witness import WatchedRun, foreign_hosts, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]

#: Settings that enable all telemetry, which the bridge must override.
TELEMETRY_ON = dict.fromkeys(TELEMETRY_OFF, "0") | {"HF_XET_TELEMETRY_ENABLED": "1"}


class House:
    """A home and a temporary folder in which files that a library leaves behind are found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "tmp", "models", "state"):
            (folder / name).mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "SAB_", "HF_"))},
            **TELEMETRY_ON,
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "SAB_STATE_DIR": str(folder / "state"),
            "SAB_MODELS_DIR": str(folder / "models"),
        }
        self._runs = 0

    def watch(self, *command: str | Path) -> WatchedRun:
        self._runs += 1
        return watch(list(map(str, command)), self.folder / f"{self._runs}.log", self.environment)

    def sab(self, *arguments: str | Path) -> WatchedRun:
        return self.watch(sys.executable, "-m", "bridge", *arguments)

    def left_behind(self) -> list[str]:
        """Files in the home and the temporary folder that are not the bridge's."""
        places = (self.folder / "home", self.folder / "tmp")
        files = (path.relative_to(self.folder) for place in places for path in place.rglob("*") if path.is_file())
        own = ("home/.cache/source-audio-bridge/", "home/.config/source-audio-bridge/", "tmp/source-audio-bridge-")
        return sorted(name for name in map(str, files) if not name.startswith(own))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


#: onnxruntime 1.32 sends its first telemetry 9 s after it was loaded.
LONG_ENOUGH_SECONDS = 14
#: Runs a server, and one job after another over OSC for this time.
ROUND_TRIP = """
import asyncio, subprocess, sys, time
from bridge.osc.client import open_client
clip, seconds = sys.argv[1], float(sys.argv[2])
began = time.monotonic()
server = subprocess.Popen(
    [sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", "draft"], stdout=subprocess.PIPE, text=True)
async def main():
    port = int(server.stdout.readline().rpartition(":")[2])
    async with open_client("127.0.0.1", port) as client:
        await client.ask("/sab/subscribe", 1)
        start = 0.0
        while time.monotonic() - began < seconds:
            start += 0.001
            await client.ask("/sab/submit", clip, "start", start, "req", str(start))
            while (await asyncio.wait_for(client.next_push(), 120)).address != "/sab/finished":
                pass
        await client.ask("/sab/models")
try:
    asyncio.run(main())
finally:
    server.terminate()
sys.exit(server.wait())
"""


def test_a_job_reaches_no_other_host(house: House, clip: Path) -> None:
    ran = house.sab("process", clip, "--engine", "draft", "--json")
    assert ran.returncode == 0, ran.output
    assert '"state":"done"' in ran.output
    assert ran.foreign_hosts == []
    assert house.left_behind() == []


def test_a_server_reaches_no_other_host(house: House, clip: Path) -> None:
    ran = house.watch(sys.executable, "-c", ROUND_TRIP, clip, str(LONG_ENOUGH_SECONDS))
    assert ran.returncode == 0, ran.output
    assert ran.foreign_hosts == []
    assert house.left_behind() == []


@pytest.mark.parametrize(
    "command",
    [
        ["doctor"], ["models", "list"], ["models", "path"], ["ports"], ["cache"], ["calibrate"], ["--help"],
        ["demo", "--engine", "draft"],
    ],
    ids=lambda command: command[0] + "-" + command[-1],
)  # fmt: skip
def test_no_command_reaches_another_host(house: House, command: Sequence[str]) -> None:
    ran = house.watch(sys.executable, "-c", _IN_A_FOLDER.format(folder=str(house.folder / "state")), *command)
    assert ran.returncode == 0, ran.output
    assert ran.output
    assert ran.foreign_hosts == []
    assert house.left_behind() == []


_IN_A_FOLDER = "import os; os.chdir({folder!r}); from bridge.cli import main; main()"


def test_converting_and_using_a_model_reaches_no_other_host(house: House, clip: Path) -> None:
    """Demucs in torch, its conversion for OpenVINO, then a job with OpenVINO."""
    pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
    from tests.support.small_models import save_htdemucs

    save_htdemucs(house.folder / "models")
    pulled = house.sab("models", "pull", "htdemucs")
    assert pulled.returncode == 0, pulled.output
    assert list((house.folder / "home/.cache/source-audio-bridge/openvino").glob("*/model.xml"))
    worked = house.sab("process", clip, "--engine", "htdemucs", "--json")
    assert worked.returncode == 0, worked.output
    assert pulled.foreign_hosts == worked.foreign_hosts == []
    assert house.left_behind() == []


CALLERS = {
    "name": "import socket; socket.getaddrinfo('example.org', 443)",
    "connection": "import socket; socket.create_connection(('10.9.8.7', 443), 1)",
    "datagram": "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('10.9.8.7', 9))",
    "child": "import subprocess as p, sys; p.run([sys.executable, '-c', sys.argv[1]])",
}


@pytest.mark.parametrize("method", sorted({witness.method(), "audit"}))
@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
def test_the_witness_detects_every_call(
    house: House, caller: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "method", lambda: method)
    assert house.watch(sys.executable, "-c", caller, CALLERS["name"]).foreign_hosts


@pytest.mark.skipif(witness.method() != "strace", reason="only strace detects calls from C")
def test_the_witness_detects_calls_from_c(house: House) -> None:
    ran = house.watch(sys.executable, "-c", "import ctypes; ctypes.CDLL(None).gethostbyname(b'example.org')")
    assert any(name.endswith(":53") for name in ran.foreign_hosts)


def test_the_witness_ignores_loopback() -> None:
    ours = 'connect(3, {sa_family=AF_INET, sin_port=htons(9720), sin_addr=inet_addr("127.0.0.1")}, 16) = 0'
    theirs = 'connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=0, inet_pton(AF_INET6, "2a02::1", &x)'
    resolver = 'connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0'
    assert foreign_hosts(f"{ours}\n{theirs}\n{resolver}\n") == ["2a02::1:443", "127.0.0.53:53"]
    assert foreign_hosts("'127.0.0.1' 9720\n'example.org' 53\n'::1' 9720\n") == ["example.org:53"]


@pytest.mark.parametrize("module", ["bridge", "bridge.worker", "bridge.midi", "benchmarks", "tools", "tui.app"])
def test_every_entry_point_disables_telemetry(module: str) -> None:
    asked = f"[os.environ[name] for name in {list(TELEMETRY_OFF)}], sys.modules[{TELEMETRY_PACKAGES[0]!r}]"
    code = f"import {module}, os, sys; print({asked})"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **TELEMETRY_ON}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == f"{list(TELEMETRY_OFF.values())} None", done.stderr


def test_the_huggingface_client_has_telemetry_disabled() -> None:
    code = "import bridge; from huggingface_hub import constants, utils; "
    code += "print(constants.HF_HUB_DISABLE_TELEMETRY, utils.build_hf_headers()['user-agent'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **TELEMETRY_ON}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("True ")
    assert "torch" not in done.stdout


def test_the_users_own_settings_against_telemetry_stay() -> None:
    environment = {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "0"}
    disable_telemetry(environment, {})
    assert environment == {**TELEMETRY_OFF, "HF_HUB_OFFLINE": "1"}
    assert bridge.__version__
