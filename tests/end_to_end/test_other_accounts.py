"""Programs of another account of this machine, at a real bridge: they get no work done, and read no path."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.osc.addresses import Message
from bridge.osc.client import open_client
from bridge.osc.codec import decode, encode
from tests.support.loopback import free_port
from tests.support.programs import Server, sab, serving

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root can start a program of another account"
    ),
]

#: Sends datagrams from one socket, prints what comes back until nothing has come for a while, and stays until then.
SENDER = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    for said in sys.argv[2:]:
        own.sendto(bytes.fromhex(said), ("127.0.0.1", int(sys.argv[1])))
    own.settimeout(5)
    while True:
        answer = own.recv(2000)
        print(answer.hex(), flush=True)
        if answer.startswith(b"/sab/pong"):
            break
"""
READER = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/jobs").read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
"""


#: What docs/security.md describes, without any code of the bridge.
PROVER = """
import hashlib, hmac, socket, sys
port, token = int(sys.argv[1]), sys.argv[2].encode()
def text(said): return said.encode() + bytes(4 - len(said) % 4)
def hello(*more):
    numbers = b"\\0\\0\\0\\1" + bytes(4)
    return text("/sab/hello") + text(",sii" + "s" * len(more)) + text("nobody") + numbers + b"".join(map(text, more))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    own.settimeout(5)
    own.sendto(hello(), ("127.0.0.1", port))
    nonce = own.recv(2000)[16:].rstrip(b"\\0").decode()
    proof = hmac.new(token, f"proof {nonce} 0".encode(), hashlib.sha256).hexdigest()
    own.sendto(hello(proof), ("127.0.0.1", port))
    print(own.recv(2000)[:16].decode())
    own.sendto(text("/sab/list") + text(","), ("127.0.0.1", port))
    print(own.recv(2000)[:15].decode())
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--engine", "draft", "--no-midi") as running:
        yield running


def as_nobody(code: str, *arguments: str) -> str:
    command = ["/usr/bin/env", "python3", "-c", code, *arguments]
    done = subprocess.run(
        command, user="nobody", group="nogroup", extra_groups=[], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers_to_nobody(server: Server, *messages: Message) -> list[Message]:
    fenced = (*messages, Message("/sab/ping", ("fence",)))
    printed = as_nobody(SENDER, str(server.port), *(encode(message).hex() for message in fenced))
    found = [one for line in printed.split() for one in decode(bytes.fromhex(line)) if isinstance(one, Message)]
    assert found[-1] == Message("/sab/pong", ("fence",))
    return found[:-1]


def test_another_account_gets_no_work_done_over_loopback(server: Server, clip: Path) -> None:
    submit = Message("/sab/submit", (str(clip), "engine", "draft", "req", "a"))
    asked = [submit, Message("/sab/list"), Message("/sab/subscribe", (1, 60)), Message("/sab/cancel", ("*",))]
    answers = answers_to_nobody(server, *asked)
    assert [answer.address for answer in answers] == ["/sab/fail"] * len(asked)
    assert [answer.arguments[:2] for answer in answers] == [(message.address, "not_allowed") for message in asked]
    assert answers[0].arguments[3] == "a"


def test_another_account_reads_no_path_over_http(server: Server) -> None:
    assert as_nobody(READER, str(server.port)).strip() == "401"


async def test_our_own_account_is_served_as_ever(server: Server) -> None:
    async with open_client(server.host, server.port) as client:
        (answer,) = await client.ask("/sab/status")
        assert answer.address == "/sab/status.reply"


def test_another_account_that_has_the_token_is_served(server: Server) -> None:
    (said,) = answers_to_nobody(server, Message("/sab/hello", ("nobody", 1, 0)))
    assert said.address == "/sab/nonce"
    token = (server.folder / "token").read_text().strip()
    assert as_nobody(PROVER, str(server.port), token).split() == ["/sab/hello.reply", "/sab/list.begin"]


def test_whatever_the_umask_the_bridge_s_own_folders_are_closed(tmp_path: Path, clip: Path) -> None:
    state, cache, out = tmp_path / "state", tmp_path / "cache", tmp_path / "out"
    environment = {**os.environ, "SAB_CACHE_DIR": str(cache)}
    previous = os.umask(0)
    try:
        (state / "jobs").mkdir(parents=True)
        (state / "jobs" / "old.jsonl").touch()  # as earlier versions made it
        done = sab("process", clip, "--out", out, "--engine", "draft", "--midi", "none", environment=environment)
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700
        command = [sys.executable, "-m", "bridge", "serve", "--port", str(free_port()), "--state-dir", str(state)]
        process = subprocess.Popen(
            [*command, "--no-midi"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening")
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()
    finally:
        os.umask(previous)
    for folder in (state, cache):
        files = [path for path in folder.rglob("*") if path.is_file()]
        found = {path: stat.S_IMODE(path.lstat().st_mode) for path in (folder, *files)}
        assert len(found) > 3
        assert {str(path): oct(mode) for path, mode in found.items() if mode & 0o077} == {}
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*.wav")} == {0o666}  # by the user's umask
