"""Clients of a bridge that is killed, and of the next one on its port."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from bridge.osc.addresses import Message
from bridge.osc.codec import decode, encode
from tests.support.loopback import free_port
from tests.support.programs import serving

pytestmark = pytest.mark.end_to_end


def test_a_subscriber_of_a_killed_bridge_hears_the_next_one(tmp_path: Path) -> None:
    port = free_port()
    stored = tmp_path / str(port) / "listeners.json"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        with serving(tmp_path, "--no-midi", port=port, dies=True) as server:
            client.send(encode(Message("/sab/subscribe", (1, 3600))))
            assert heard(client) == "/sab/done"
            wait_for(stored)
            server.process.kill()
            server.process.wait()
        with serving(tmp_path, "--no-midi", port=port):
            assert heard(client) == "/sab/startup"
        assert heard(client) == "/sab/bye"  # it is still subscribed


def heard(client: socket.socket) -> str:
    return decode(client.recv(4096))[0].address


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 20
    while not file.exists():  # written and renamed at once
        assert time.monotonic() < deadline
        time.sleep(0.02)
