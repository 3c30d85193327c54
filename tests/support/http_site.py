"""A bridge's HTTP server over real loopback sockets, with a fake bridge behind it, and a client that sends bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bridge.connections.values import HttpReader
from bridge.events import Noticed
from bridge.osc.access.gate import Gate, Rules
from bridge.osc.access.keys import AccessKey
from bridge.osc.access.proofs import http_token
from bridge.osc.http.server import serve_http
from bridge.osc.http.uploads import Uploads
from bridge.osc.http.view import BridgeView
from bridge.system.off_loop import CleanUp, clean_up_at_once
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.requests import request_for

KEY = AccessKey(b"k" * 32)
TOKEN = http_token(KEY)
#: The header of a request that may read and change everything.
ALLOWED = f"Authorization: Bearer {TOKEN}\r\n".encode()


@dataclass
class HttpResponse:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return cast("dict[str, object]", json.loads(self.body))


@dataclass
class HttpSite:
    """A bridge served over HTTP."""

    bridge: FakeBridge
    port: int
    uploads: Uploads
    readers: Callable[[], Sequence[HttpReader]]
    """Who has asked."""
    noticed: list[Noticed] = field(default_factory=list)

    async def get(
        self,
        path: str,
        *,
        method: str = "GET",
        host: str | None = None,
        more: bytes = b"",
        token: bytes = ALLOWED,
        body: bytes = b"",
    ) -> HttpResponse:
        head = f"{method} {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{self.port}'}\r\nConnection: close\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return await self.send(head.encode() + length.encode() + token + more + b"\r\n" + body)

    async def post(
        self, path: str, body: bytes = b"", kind: str = "application/json", more: bytes = b"", token: bytes = ALLOWED
    ) -> HttpResponse:
        kinds = f"Content-Type: {kind}\r\n".encode() if body else b"Content-Length: 0\r\n"
        return await self.get(path, method="POST", body=body, more=kinds + more, token=token)

    async def send(self, request: bytes) -> HttpResponse:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return response_in(await asyncio.wait_for(reader.read(), 20))
        finally:
            writer.close()


def response_in(received: bytes) -> HttpResponse:
    """The response that these bytes are; a chunked body is put together."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    if headers.get("Transfer-Encoding") == "chunked":
        body = _unchunked(body)
    return HttpResponse(int(status.split()[1]), headers, body)


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        whole, body = whole + body[:count], body[count + 2 :]
    return whole


async def engines() -> Sequence[str]:
    return ("draft",)


def uploads_in(folder: Path, max_bytes: int = 1_000_000, clean_up: CleanUp = clean_up_at_once) -> Uploads:
    return Uploads(folder / "uploads", folder / "results", max_bytes, clean_up)


def view_of(
    bridge: FakeBridge,
    folder: Path,
    origins: Sequence[str] = (),
    max_bytes: int = 1_000_000,
    clean_up: CleanUp = clean_up_at_once,
) -> BridgeView:
    return BridgeView(
        bridge, engines, defaults=request_for("", format="flac"), osc_host="127.0.0.1", osc_port=9720,
        uploads=uploads_in(folder, max_bytes, clean_up), origins=frozenset(origins),
    )  # fmt: skip


def open_gate() -> Gate:
    """Every program of this machine may ask, and those that know `TOKEN` may do all."""
    return Gate(Rules(token=KEY), FakeClock())


@asynccontextmanager
async def http_site(
    folder: Path,
    bridge: FakeBridge,
    *,
    origins: Sequence[str] = (),
    max_bytes: int = 1_000_000,
    gate: Gate | None = None,
    clean_up: CleanUp = clean_up_at_once,
) -> AsyncIterator[HttpSite]:
    noticed = list[Noticed]()
    view = view_of(bridge, folder, origins, max_bytes, clean_up)
    async with serve_http(view, gate or open_gate(), port=0, notice=noticed.append) as address:
        yield HttpSite(bridge, int(address.rsplit(":", 1)[1]), view.uploads, view.readers.seen, noticed)
