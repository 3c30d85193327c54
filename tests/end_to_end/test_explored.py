"""A real server, explored and polled over HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.support.programs import Server, sab, serving

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--engine", "draft", "--no-midi") as running:
        yield running


#: Ignores the proxy in this machine's environment.
DIRECT = build_opener(ProxyHandler({}))


def get(server: Server, path: str) -> dict[str, object]:
    token = sab("token", "--state-dir", server.folder).stdout.strip()
    request = Request(f"http://localhost:{server.port}{path}", headers={"Authorization": f"Bearer {token}"})
    with DIRECT.open(request, timeout=20) as answer:
        job_json: dict[str, object] = json.load(answer)
        return job_json


def test_http_uses_the_port_number_of_osc(server: Server) -> None:
    info = get(server, "/?HOST_INFO")
    assert (info["OSC_IP"], info["OSC_PORT"]) == ("127.0.0.1", server.port)
    keys = get(server, "/sab/submit?KEYS")["KEYS"]
    assert keys["engine"]["VALUE"] == ["draft"]  # type: ignore[index]


def test_a_job_is_polled_to_its_end(server: Server, clip: Path) -> None:
    done = sab("submit", clip, "stems", "bass", "midi", "none", "--wait", "--port", str(server.port))
    job, path = done.stdout.splitlines()
    job_json = get(server, f"/jobs/{job}")
    assert (job_json["state"], job_json["fraction"]) == ("done", 1.0)
    assert [result["path"] for result in job_json["results"]] == [path]  # type: ignore[attr-defined]
    assert get(server, "/jobs")["total"] == 1
    with pytest.raises(HTTPError, match="404"):
        get(server, "/jobs/none")


def test_with_the_http_port_in_use_osc_works(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        with serving(tmp_path, "--no-midi", "--http-port", taken) as running:
            assert sab("send", "/sab/ping", "--port", str(running.port)).returncode == 0
        assert f"No HTTP on TCP port {taken}" in (tmp_path / "server.log").read_text()


def test_http_can_be_switched_off(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-midi", "--no-http", "--announce") as running:
        with pytest.raises(OSError, match="refused"):
            get(running, "/")
        assert sab("send", "/sab/ping", "--port", str(running.port)).returncode == 0
    log = (tmp_path / "server.log").read_text()
    assert "Explore it" not in log
    assert "Not announced: other computers do not reach the bridge on 127.0.0.1" in log
