"""`GET /jobs/ID/files/NAME`: a file that a job has announced, whole or in part.

Read and sent block by block, so that neither a large file nor a slow drive holds anything else up.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import quote

from aiohttp import web

from bridge.errors import NotFound, NotReadable, unresponsive_drive
from bridge.osc.http.answers import HEADERS, refusal
from bridge.osc.http.connections import connection_of
from bridge.osc.http.view import BridgeView, files_of
from bridge.system.files import open_to_read
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

T = TypeVar("T")

BLOCK_BYTES = 256 * 1024
CONTENT_TYPES: Mapping[str, str] = {
    ".wav": "audio/wav",
    ".aiff": "audio/aiff",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".mid": "audio/midi",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".svg": "image/svg+xml",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
}


class Files:
    """Handles requests for files."""

    def __init__(self, view: BridgeView) -> None:
        self._view = view

    async def send(self, request: web.Request) -> web.StreamResponse:
        job, name = request.match_info["job"], request.match_info["name"]
        found = files_of(self._view.bridge.job(job)).get(name)
        if found is None:
            raise NotFound(f"The job {job} has no file {name!r}.", advice=f"GET /jobs/{job} lists its files.")
        path = found.path
        with connection_of(request.transport).granted("download"):
            file = await _on_drive(path, lambda: _open(path))
            try:
                return await _send(request, path, file)
            finally:
                with suppress(NotReadable):  # the drive hangs, and so would closing it here
                    await _on_drive(path, file.close)


async def _send(request: web.Request, path: Path, file: BinaryIO) -> web.StreamResponse:
    state = os.fstat(file.fileno())
    tag = f'"{state.st_ino:x}-{state.st_mtime_ns:x}-{state.st_size:x}"'
    part = _part(request, state.st_size, tag)
    if part is None:
        unmet = refusal(416, "bad_arguments", f"The file has {state.st_size} bytes.")
        unmet.headers["Content-Range"] = f"bytes */{state.st_size}"
        return unmet
    is_whole = len(part) == state.st_size
    response = web.StreamResponse(status=200 if is_whole else 206, headers=HEADERS)
    response.headers["Content-Type"] = CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
    response.headers["Content-Disposition"] = disposition(path.name)
    response.headers["Accept-Ranges"], response.headers["ETag"] = "bytes", tag
    if not is_whole:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{state.st_size}"
    response.content_length = len(part)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    connection = connection_of(request.transport)
    for start in range(part.start, part.stop, BLOCK_BYTES):
        count = min(BLOCK_BYTES, part.stop - start)
        block = await _block(path, file, start, count)
        if len(block) < count:  # the answer has begun: that something is missing can only be seen by its end
            connection.abort()
            break
        await response.write(block)
        connection.moved(count)
    return response


def disposition(name: str) -> str:
    """The name under which a client stores the file (RFC 6266): in ASCII for those that know no other, and whole."""
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _part(request: web.Request, size: int, tag: str) -> range | None:
    """The bytes that a request wants; None: there are no such bytes.

    A range that is none is no range (RFC 9110, 14.2), and so is one of a file that was another before.
    """
    whole = range(size)
    if "Range" not in request.headers or request.headers.get("If-Range", tag) != tag:
        return whole
    try:
        wanted = request.http_range
    except ValueError:
        return whole
    return whole[wanted] or None


async def _block(path: Path, file: BinaryIO, start: int, count: int) -> bytes:
    """Some bytes of a file; fewer where it was cut off meanwhile, or its drive does not answer any more."""
    try:
        return await _on_drive(path, partial(_read, file, start, count))
    except NotReadable:
        return b""


async def _on_drive(path: Path, work: Callable[[], T]) -> T:
    try:
        return await off_loop(work, timeout_seconds=ANSWER_SECONDS)
    except TimeoutError:
        raise unresponsive_drive(path) from None


def _open(path: Path) -> BinaryIO:
    try:
        return open_to_read(path, follows_link=False)  # which could lead out of the folders that the bridge may use
    except FileNotFoundError:
        raise NotFound(f"{path.name} is not in its folder any more.", advice="It was moved or deleted.") from None
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise NotReadable(f"{path.name} cannot be read: {reason}.") from error


def _read(file: BinaryIO, start: int, count: int) -> bytes:
    try:
        file.seek(start)
        return file.read(count)
    except OSError:
        return b""
