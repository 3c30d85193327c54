"""A loopback server that answers like the Hugging Face hub and the authors' server."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.control import NullControl
from bridge.separation.downloads.fetch import Fetcher
from bridge.separation.downloads.hub_repository import HubPin
from bridge.separation.models.demucs_bags import Released
from tests.support.small_models import ModelFolders, locations_in

if TYPE_CHECKING:
    from bridge.protocols import Control

COMMIT = "c" * 40


@dataclass
class Server:
    """Serves `files` (path → bytes) with the hub's headers; records requests and responses."""

    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    etags: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[int, int]] = field(default_factory=list)
    """For each body: its first byte in the file, and the number of bytes sent."""
    breaks_after: int | None = None
    """The next `breaks` connections end at this byte of a file."""
    breaks: int = 1_000_000
    supports_ranges: bool = True
    versions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Commit → path, as of the newest version → bytes: other versions of files."""
    large_files_at: str = ""
    """URL of another server, to which requests for safetensors are redirected."""
    authorizations: list[str | None] = field(default_factory=list)
    """The `Authorization` header of each GET."""
    address: str = ""

    def run(self) -> ThreadingHTTPServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                self.answer(with_body=True)

            def answer(self, *, with_body: bool) -> None:
                outer.requests.append(f"{self.command} {self.path}")
                if with_body:
                    outer.authorizations.append(self.headers.get("Authorization"))
                revision = self.path.partition("/resolve/")[2].partition("/")[0]
                path = self.path.replace(f"/resolve/{revision}/", "/resolve/main/")
                content = {**outer.files, **outer.versions.get(revision, {})}.get(path)
                etag = outer.etags.get(path) or hashlib.sha256(content or b"").hexdigest()
                if content and outer.large_files_at and path.endswith(".safetensors"):
                    self.redirect(f"{outer.large_files_at}{path}", etag, len(content))
                    return
                range_header = self.headers.get("Range") if with_body and outer.supports_ranges else None
                first = int(range_header.removeprefix("bytes=").removesuffix("-")) if range_header else 0
                is_beyond = bool(content) and first >= len(content or b"")
                self.send_response(404 if content is None else 416 if is_beyond else 206 if first else 200)
                self.send_header("X-Repo-Commit", revision if revision in outer.versions else COMMIT)
                self.send_header("ETag", f'"{etag}"')
                body = b"" if is_beyond else (content or b"")[first:]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body and content and not is_beyond:
                    if outer.breaks_after is not None and outer.breaks:
                        outer.breaks -= 1
                        body = content[first : outer.breaks_after]
                    # Recorded before sending: the client and the test may continue before this thread runs again.
                    outer.sent.append((first, len(body)))
                    self.wfile.write(body)

            def redirect(self, target: str, etag: str, size: int) -> None:
                self.send_response(302)
                self.send_header("Location", target)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("X-Linked-Etag", f'"{etag}"')
                self.send_header("X-Linked-Size", str(size))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server


def fetch(name: str, locations: ModelFolders, control: Control | None = None) -> None:
    """Downloads a released model as a job does, with short timeouts."""
    fetcher = Fetcher(environ={}, probe_seconds=2.0, stall_seconds=10.0)
    fetcher.fetch(name, locations.families.sources(name), control or NullControl())


def locations_of(folder: Path, server: Server, pins: Mapping[str, HubPin] | None = None) -> ModelFolders:
    """Locations whose models come only from `server`, which also acts as the authors' server."""
    released = Released(Released.installed().folder, f"{server.address}/", pins or {})
    return replace(locations_in(folder), hub_url=server.address, released=released)
