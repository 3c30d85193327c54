"""Fixtures for the download tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from huggingface_hub import close_session

from tests.support.model_server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Server()
    running = served.run()
    yield served
    close_session()  # the hub's client keeps its connections open for the next download
    running.shutdown()
    running.server_close()
