"""Why a farm cannot be reached, in words that say what to do."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from pathlib import Path

import pytest

from bridge.farm.certificates import make_certificates
from bridge.farm.connection import problem_of, security_of


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.farm.connection.CONNECT_SECONDS", 0.5)


def certificates_of(farm: Path) -> Path:
    farm.mkdir()
    return make_certificates(farm, days=30, now=datetime.datetime.now(datetime.timezone.utc))


async def test_a_farm_with_other_certificates_says_which_are_needed(tmp_path: Path) -> None:
    theirs, ours = certificates_of(tmp_path / "theirs"), certificates_of(tmp_path / "ours")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(theirs)
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context) as server:
        address = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        problem = await problem_of(address, security_of(str(ours)))
    assert problem.startswith(f"The farm at {address} cannot be reached: its certificates are not")
    assert "sab farm certificates --use" in problem


async def test_where_nothing_listens_it_cannot_be_reached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, and nobody listens
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        problem = await problem_of(address, None)
    assert problem.startswith(f"The farm at {address} cannot be reached: ")
    assert "\n" not in problem
