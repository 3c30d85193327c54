"""The HTTP server, over real loopback sockets."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web
from msgspec.structs import replace

from bridge.events import Noticed
from bridge.model import Failure, Job, MidiStatus, Result
from bridge.osc.access.gate import TOKEN_SECONDS, Gate, Rules
from bridge.osc.access.keys import AccessKey, account_token, new_account_token, read_token
from bridge.osc.access.proofs import http_token, pass_for
from bridge.osc.http.connections import MAX_CONNECTIONS, LimitedConnections
from bridge.osc.http.oscquery import address_space
from bridge.osc.http.readers import MAX_READERS, HttpReaders
from bridge.osc.http.routes import MAX_LINE_BYTES
from bridge.osc.http.server import serve_http
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.http_site import ALLOWED, HttpSite, http_site, open_gate, view_of
from tests.support.requests import request_for

OVER = Job(
    id="j6",
    name="loop",
    request=request_for("/loop.wav", tempo_bpm=120.0),
    submitted_unix=5.0,
    state="failed",
    fraction=0.5,
    results=(
        Result(kind="stem", name="bass", folder="/out", file="b.wav", seconds=2, sample_rate_hz=48_000, frames=96_000),
    ),
    failure=Failure(code="out_of_space", message="The drive is full."),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HttpSite]:
    bridge = FakeBridge(table={"j6": OVER}, midi=MidiStatus(backend="alsa"))
    async with http_site(tmp_path, bridge) as running:
        yield running


async def test_the_root_returns_the_whole_address_space(site: HttpSite) -> None:
    answer = await site.get("/")
    values = {"/sab/status.reply": (0, 0, "draft", "cpu", "alsa", "here"), "/sab/list.begin": (1,)}
    expected = address_space(values, ("draft",), request_for("", format="flac"))
    found = answer.json
    startup = cast("dict[str, dict[str, dict[str, object]]]", found["CONTENTS"])["sab"]["CONTENTS"].pop("startup")
    cast("dict[str, dict[str, dict[str, object]]]", expected["CONTENTS"])["sab"]["CONTENTS"].pop("startup")
    assert found == expected
    assert cast("dict[str, object]", startup)["ACCESS"] == 1
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/sab/status.reply?VALUE", 200, {"VALUE": [0, 0, "draft", "cpu", "alsa", "here"]}),
        ("/sab/status.reply/?TYPE&ACCESS", 200, {"TYPE": "iissss", "ACCESS": 1}),
        ("/sab/list.begin?VALUE", 200, {"VALUE": [1]}),
        ("/sab/ping?VALUE", 204, None),  # it has none
        ("/sab/ping?CONTENTS", 204, None),
        ("/sab/ping?TAGS", 204, None),  # OSCQuery knows it, the bridge does not
        ("/sab/ping?value", 400, {"code": "bad_arguments"}),
        ("/sab/none", 404, {"code": "not_found"}),
        ("/favicon.ico", 404, {"code": "not_found"}),
        ("/jobs/none", 404, {"code": "not_found"}),
        ("/jobs?limit=many", 400, {"code": "bad_arguments"}),
        ("/jobs?limit=-1", 400, {"code": "bad_arguments"}),
        ("/jobs?limit=0", 200, {"total": 1, "jobs": []}),
    ],
)
async def test_a_request_and_its_response(
    site: HttpSite, path: str, status: int, expected: dict[str, object] | None
) -> None:
    answer = await site.get(path)
    assert answer.status == status
    if expected is None:
        assert answer.body == b""
    else:
        assert {name: answer.json[name] for name in expected} == expected


@pytest.mark.parametrize("path", ["/?HOST_INFO", "/sab/none?HOST_INFO", "/sab/ping?HOST_INFO=1"])
async def test_the_host_info_is_returned_at_any_path(site: HttpSite, path: str) -> None:
    found = (await site.get(path)).json
    assert (found["OSC_IP"], found["OSC_PORT"], found["NAME"]) == ("127.0.0.1", 9720, "source-audio-bridge")
    assert "CONTENTS" not in found


async def test_jobs_are_listed_newest_last_up_to_the_limit(site: HttpSite) -> None:
    site.bridge.table = {f"j{number}": replace(OVER, id=f"j{number}") for number in range(1200)}
    for query, first, count in (("", 1100, 100), ("?limit=5", 1195, 5), ("?limit=9999", 200, 1000)):
        found = (await site.get(f"/jobs{query}")).json
        jobs = cast("list[dict[str, object]]", found["jobs"])
        assert (found["total"], len(jobs), jobs[0]["id"], jobs[-1]["id"]) == (1200, count, f"j{first}", "j1199")


async def test_a_job_has_all_its_fields(site: HttpSite) -> None:
    found = (await site.get("/jobs/j6")).json
    assert (found["id"], found["state"], found["fraction"]) == ("j6", "failed", 0.5)
    assert found["failure"] == {"code": "out_of_space", "message": "The drive is full."}
    (result,) = cast("list[dict[str, object]]", found["results"])
    assert (result["path"], result["frames"], result["sample_rate_hz"]) == ("/out/b.wav", 96_000, 48_000)
    assert cast("dict[str, object]", found["request"])["tempo_bpm"] == 120.0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
async def test_only_what_is_described_can_be_asked(site: HttpSite, method: str) -> None:
    for path, allowed in (("/sab/panic", {"GET", "HEAD"}), ("/jobs", {"GET", "HEAD", "POST"})):
        answer = await site.get(path, method=method, more=b"Content-Length: 0\r\n")
        assert (answer.status, answer.json["code"]) == (405, "bad_arguments")
        assert set(answer.headers["Allow"].split(",")) == allowed
    assert site.bridge.asked == []


async def test_no_osc_address_is_sent_to_over_http(site: HttpSite) -> None:
    assert (await site.post("/sab/panic")).status == 405
    assert site.bridge.asked == []


@pytest.mark.parametrize("path", ["/jobs", "/jobs/j6", "/jobs/j6/files/b.wav", "/events", "/jobs/none", "/%6aobs"])
async def test_nothing_private_is_read_without_the_token(site: HttpSite, path: str) -> None:
    for token in (
        b"",
        b"Authorization: Bearer \r\n",
        b"Authorization: Bearer wrong\r\n",
        ALLOWED.replace(b"Bearer", b"Basic"),
    ):
        answer = await site.get(path, token=token)
        assert (answer.status, answer.json["code"], answer.headers["WWW-Authenticate"]) == (
            401,
            "not_allowed",
            "Bearer",
        )
        assert b"/out" not in answer.body


async def test_nothing_is_changed_without_the_token(site: HttpSite) -> None:
    for method, path in (
        ("POST", "/jobs"),
        ("DELETE", "/jobs/j6"),
        ("POST", "/jobs/j6/play"),
        ("POST", "/jobs/j6/stop"),
    ):
        answer = await site.get(
            path, method=method, token=b"", body=b'{"path": "/a.wav"}', more=b"Content-Type: application/json\r\n"
        )
        assert answer.status == 401
    assert site.bridge.asked == []


async def test_a_refusal_counts_in_every_version_of_the_library(
    site: HttpSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In aiohttp 3.10 an answer is a mapping, and an empty one is false."""
    monkeypatch.setattr(web.Response, "__bool__", lambda _: False, raising=False)
    assert (await site.get("/jobs", token=b"")).status == 401


async def test_a_second_host_or_origin_is_not_overlooked(site: HttpSite) -> None:
    for more in (b"Host: evil.example\r\n", b"Origin: http://evil.example\r\n" * 2):
        assert (await site.get("/jobs", more=more)).status in (400, 403)


async def test_the_tree_and_the_description_need_no_token(site: HttpSite) -> None:
    for path in ("/", "/?HOST_INFO", "/sab/ping", "/openapi.json"):
        assert (await site.get(path, token=b"")).status == 200


async def test_no_other_web_page_can_read_it(site: HttpSite) -> None:
    rebound = await site.get("/jobs", host=f"evil.example:{site.port}")
    assert rebound.status == 403
    assert b"j6" not in rebound.body
    foreign = await site.get("/jobs", more=b"Origin: http://evil.example\r\n")
    assert foreign.status == 403
    assert not [name for name in foreign.headers if name.lower().startswith("access-control")]
    assert foreign.headers["X-Content-Type-Options"] == "nosniff"
    nameless = await site.send(b"GET /jobs HTTP/1.0\r\n\r\n")
    assert nameless.status == 403


@pytest.mark.parametrize("site_of_page", ["cross-site", "same-site"])
async def test_what_the_page_of_another_site_asks_is_refused(site: HttpSite, site_of_page: str) -> None:
    answer = await site.get("/jobs", more=f"Sec-Fetch-Site: {site_of_page}\r\n".encode())
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert (await site.get("/jobs", more=b"Sec-Fetch-Site: none\r\n")).status == 200  # typed by a person


async def test_answers_cannot_be_embedded_and_name_no_versions(site: HttpSite) -> None:
    answers = [await site.get("/jobs"), await site.get("/none"), await site.send(b"nonsense\r\n\r\n")]
    assert [answer.status for answer in answers] == [200, 404, 400]
    for answer in answers:
        assert answer.headers["Server"] == "source-audio-bridge"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Connection"] == "close"


async def test_idle_connections_leave_room_for_others(site: HttpSite) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(100)]
    assert (await site.get("/jobs")).status == 200
    ends = [asyncio.ensure_future(_end(reader)) for reader, _ in idle]
    for count, end in enumerate(asyncio.as_completed(ends, timeout=20), 1):
        await end
        if count == len(idle) - MAX_CONNECTIONS:
            break
    for end in ends:
        end.cancel()
    for _, writer in idle:
        writer.close()


async def _end(reader: asyncio.StreamReader) -> None:
    """Waits until the server has closed the connection."""
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""


async def test_a_slow_connection_ends() -> None:
    connections = LimitedConnections(asyncio.Protocol, seconds=0.05)
    server = await asyncio.get_running_loop().create_server(connections, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"GET /jo")  # and no more
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    assert connections.count == 0
    writer.close()
    server.close()


async def test_other_accounts_and_computers_get_nothing_without_the_pass(tmp_path: Path) -> None:
    token = AccessKey(b"x" * 32)
    gate = Gate(Rules(local_access="token", token=token), FakeClock())
    async with http_site(tmp_path, FakeBridge(table={"j6": OVER}), gate=gate) as site:
        for path in ("/", "/jobs/j6"):
            refused = await site.get(path)
            assert (refused.status, refused.json["code"]) == (401, "not_allowed")
            assert b"/out" not in refused.body
            right = f"Authorization: Bearer {pass_for(token, '127.0.0.1')}\r\n".encode()
            assert (await site.get(path, token=right)).status == 200
            other = f"Authorization: Bearer {pass_for(token, '127.0.0.2')}\r\n".encode()
            assert (await site.get(path, token=other)).status == 401


async def test_a_new_token_counts_at_once_and_the_old_one_no_more(tmp_path: Path) -> None:
    account_token(tmp_path)
    clock = FakeClock()
    gate = Gate(Rules(token=read_token(tmp_path), read_token=lambda: read_token(tmp_path)), clock)

    def bearer() -> bytes:
        return f"Authorization: Bearer {http_token(read_token(tmp_path))}\r\n".encode()

    async with http_site(tmp_path, FakeBridge(), gate=gate) as site:
        old = bearer()
        assert (await site.get("/jobs", token=old)).status == 200
        new_account_token(tmp_path)
        assert (await site.get("/jobs", token=bearer())).status == 200
        assert (await site.get("/jobs", token=old)).status == 401
        new_account_token(tmp_path)
        clock.advance(TOKEN_SECONDS)
        (tmp_path / "token").chmod(0o644)  # cannot be trusted, so the one that is known stays
        assert (await site.get("/jobs", token=old)).status == 401


async def test_the_examples_in_the_docs_are_answered(site: HttpSite) -> None:
    page = (Path(__file__).parents[3] / "docs" / "osc.md").read_text(encoding="utf-8")
    asked = re.findall(r"curl 'http://127.0.0.1:9720(.*)'", page)
    assert len(asked) >= 4
    for path in asked:
        assert (await site.get(path, token=b"")).status == 200


async def test_a_request_that_is_too_large_is_refused_and_the_next_one_answered(
    site: HttpSite, caplog: pytest.LogCaptureFixture
) -> None:
    long_line = await site.get("/" + "x" * (MAX_LINE_BYTES + 1000))
    long_header = await site.get("/", more=b"X-Much: " + b"x" * (MAX_LINE_BYTES + 1000) + b"\r\n")
    assert (long_line.status, long_header.status) == (400, 400)
    assert (await site.send(b"nonsense\r\n\r\n")).status == 400
    assert (await site.get("/jobs")).status == 200
    assert {record.name for record in caplog.records} == {"bridge.osc.http.routes"}  # the log file, not the terminal


async def test_a_port_in_use_is_a_warning_only(site: HttpSite, tmp_path: Path) -> None:
    noticed: list[Noticed] = []
    async with serve_http(
        view_of(site.bridge, tmp_path), open_gate(), port=site.port, notice=noticed.append
    ) as address:
        assert address == ""
    (notice,) = noticed
    assert notice.level == "warning"
    assert str(site.port) in notice.message
    assert "--http-port" in notice.message
    assert (await site.get("/jobs")).status == 200


async def test_a_server_on_all_addresses_answers_ipv4_and_ipv6(tmp_path: Path) -> None:
    families = [socket.AF_INET, socket.AF_INET6]
    noticed: list[Noticed] = []
    async with serve_http(
        view_of(FakeBridge(), tmp_path), open_gate(), host="::", port=0, notice=noticed.append
    ) as address:
        if noticed:  # without IPv6
            assert "No HTTP" in noticed[0].message
            return
        assert address.startswith("http://[::]:")
        for family, host in zip(families, ("127.0.0.1", "::1"), strict=True):
            reader, writer = await asyncio.open_connection(host, int(address.rsplit(":", 1)[1]), family=family)
            writer.write(b"GET /?HOST_INFO HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 200")
            writer.close()


async def test_without_the_library_connections_are_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "bridge.osc.http.routes", None)
    noticed: list[Noticed] = []
    async with serve_http(view_of(FakeBridge(), tmp_path), open_gate(), port=0, notice=noticed.append) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rsplit(":", 1)[1]))
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
    (notice,) = noticed
    assert notice.level == "warning"
    assert "Install the bridge again" in notice.message


async def test_the_port_is_closed_afterwards(tmp_path: Path) -> None:
    async with serve_http(view_of(FakeBridge(), tmp_path), open_gate(), port=0, notice=print) as address:
        port = int(address.rsplit(":", 1)[1])
    with socket.create_server(("127.0.0.1", port)):
        pass


LAZY = """
import asyncio, sys
import bridge.app
from pathlib import Path
from bridge.osc.http.server import serve_http
from tests.support.fakes import FakeBridge
from tests.support.http_site import open_gate, view_of

async def main():
    view = view_of(FakeBridge(), Path("nowhere"))
    async with serve_http(view, open_gate(), port=0, notice=print) as address:
        print({"aiohttp", "zeroconf"} & set(sys.modules))
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rsplit(":")[-1]))
        writer.write(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
        print((await reader.read())[:15].decode(), "aiohttp" in sys.modules)
        writer.close()

asyncio.run(main())
"""


@pytest.mark.end_to_end
@pytest.mark.skipif(sys.platform == "win32", reason="the default event loop there has no add_reader")
def test_the_library_is_loaded_at_the_first_connection() -> None:
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["set()", "HTTP/1.1 200 OK True"]


async def test_who_reads_is_remembered() -> None:
    now = [100.0]
    readers = HttpReaders(lambda: now[0])
    readers.has_asked("127.0.0.1", "curl/8\x1b[2J", "/jobs", was_refused=False)
    now[0] += 5
    readers.has_asked("127.0.0.1", "curl/8\x1b[2J", "/" + "x" * 500, was_refused=True)
    for number in range(100):
        readers.has_asked(f"10.0.0.{number}", "", "/", was_refused=False)
        readers.has_asked("127.0.0.1", "curl/8\x1b[2J", "/jobs", was_refused=False)
    first, *others = readers.seen()
    assert (first.requests, first.refused, first.last_path, first.last_age_seconds) == (102, 1, "/jobs", 0)
    assert "\x1b" not in first.agent and len(others) == MAX_READERS - 1
