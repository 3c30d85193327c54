"""What a request for a job says: a path, or the clip itself, and the options; read from a body that may be hostile.

A clip is written to its file as it comes, a megabyte at a time, so its size takes no memory.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from bridge.errors import BadArguments, NotWritable, OutOfSpace, unresponsive_drive
from bridge.options.table import OPTIONS
from bridge.osc.http.answers import HttpRefusal
from bridge.osc.http.connections import HttpConnection, connection_of
from bridge.osc.http.uploads import Uploads
from bridge.system.files import is_drive_full, parsed
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

MAX_JSON_BYTES = 64 * 1024
#: Of the text of one field of a form, and fields of a form.
MAX_FIELD_BYTES, MAX_FIELDS = 4096, 64
#: How much of a clip is written at once.
BLOCK_BYTES = 1 << 20
#: What a form calls the clip, and the options as one JSON object.
CLIP_FIELD, OPTIONS_FIELD = "file", "options"
#: The query's name for a clip that is the body itself, and what it is called without one.
FILE_NAME, UNNAMED = "filename", "clip"
#: What browsers and curl write in a file's name for a quotation mark and for the ends of lines
#: (html.spec.whatwg.org, "multipart/form-data encoding algorithm").
_ESCAPED = re.compile("%(?:22|0D|0A)")


@dataclass(frozen=True)
class Said:
    """A request for a job."""

    source: str
    options: Mapping[str, object]
    """By their names in `options.table.OPTIONS`, not checked."""
    fingerprint: bytes
    """The same for requests that say the same."""
    clip: Path | None = None
    """The file, if it came with the request."""


@dataclass(frozen=True)
class _Clip:
    path: Path
    digest: bytes


async def read_request(request: web.Request, uploads: Uploads) -> Said:
    """Reads a request for a job to its end.

    Raises:
        BadArguments, TooLong: it is none, or too large.
        HttpRefusal: it is of a kind that the bridge does not read (415).
        OutOfSpace, NotWritable, TooManyClients: a clip cannot be taken now.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HttpRefusal(415, "The bridge takes no compressed bodies.")
    kind = request.content_type
    if kind == "application/json":
        return await _read_json(request)
    if kind not in ("multipart/form-data", "application/octet-stream") and not kind.startswith("audio/"):
        raise HttpRefusal(415, f"The bridge takes JSON, a form, or a clip, not {kind[:80]!r}.")
    uploads.check_size(request.content_length or 0)
    connection = connection_of(request.transport)
    receiver = _Receiver(uploads, connection)
    with connection.granted("upload"):
        try:
            if kind == "multipart/form-data":
                return await _read_form(request, receiver)
            return await _read_clip(request, receiver)
        except BaseException:
            receiver.discard()
            raise


def _query_options(request: web.Request, *but: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in request.query.items():
        if name not in but:
            _add(found, name, value)
    return found


def _add(options: dict[str, object], name: str, value: object) -> None:
    if name in options:
        raise BadArguments(f"{name} is given twice.")
    option = OPTIONS.get(name)
    if isinstance(value, list) and option is not None and option.kind.takes_several:
        if not value or not all(isinstance(word, str) for word in value):
            raise BadArguments(f"{name} must be a list of words with at least one.")
        value = ",".join(value)
    options[name] = value


async def _read_json(request: web.Request) -> Said:
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise HttpRefusal(413, f"A request in JSON may have {MAX_JSON_BYTES} bytes.")
    given = json_object(await request.read(), "The body")
    options = _query_options(request)
    source = given.pop("path", None)
    if not isinstance(source, str):
        raise BadArguments("path must be the path of a clip on the bridge's computer.", advice="Or send the clip.")
    for name, value in given.items():
        _add(options, name, value)
    return Said(source, options, _fingerprint(source, options))


def json_object(content: bytes, what: str) -> dict[str, object]:
    """A JSON object. Raises BadArguments if it is none."""
    try:
        return parsed(content, lambda text: msgspec.json.decode(text, type=dict[str, object]))
    except ValueError as error:
        raise BadArguments(f"{what} must be a JSON object: {error}.", advice="") from error


async def _read_clip(request: web.Request, receiver: _Receiver) -> Said:
    name = request.query.get(FILE_NAME, UNNAMED)
    options = _query_options(request, FILE_NAME)
    clip = await receiver.receive(name, _chunks(request))
    return Said(str(clip.path), options, _fingerprint(clip.digest.hex(), options, clip.path.name), clip.path)


async def _read_form(request: web.Request, receiver: _Receiver) -> Said:
    options, clip = _query_options(request), None
    async for part in _parts(request):
        if part.name == CLIP_FIELD:
            if clip is not None:
                raise BadArguments(f"The form has two parts {CLIP_FIELD}.", advice="Send a request for each clip.")
            clip = await receiver.receive(_ESCAPED.sub("_", part.filename or UNNAMED), _part_chunks(part))
        elif part.name == OPTIONS_FIELD:
            for name, value in json_object(await _part_text(part, MAX_JSON_BYTES), OPTIONS_FIELD).items():
                _add(options, name, value)
        else:
            text = await _part_text(part, MAX_FIELD_BYTES)
            _add(options, part.name or "", text.decode("utf-8", "replace"))
    if clip is None:
        raise BadArguments(f"The form has no part {CLIP_FIELD} with the clip.", advice="")
    return Said(str(clip.path), options, _fingerprint(clip.digest.hex(), options, clip.path.name), clip.path)


async def _parts(request: web.Request) -> AsyncIterator[BodyPartReader]:
    """The parts of a form. Raises BadArguments where it is none, or has too many."""
    count = 0
    with _form_errors():
        reader = await request.multipart()
    while True:
        with _form_errors():
            part = await reader.next()
        if part is None:
            return
        count += 1
        if not isinstance(part, BodyPartReader) or count > MAX_FIELDS:
            raise BadArguments(f"A form may have {MAX_FIELDS} simple parts.", advice="")
        if part.headers.get("Content-Encoding") or part.headers.get("Content-Transfer-Encoding", "binary") == "base64":
            raise HttpRefusal(415, "The parts of a form must not be encoded.")
        yield part


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    while True:
        with _form_errors():
            chunk = await request.content.readany()
        if not chunk:
            return
        yield chunk


async def _part_chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while True:
        with _form_errors():
            chunk = await part.read_chunk(65_536)
        if not chunk:
            return
        yield chunk


async def _part_text(part: BodyPartReader, limit: int) -> bytes:
    text = b""
    async for chunk in _part_chunks(part):
        text += chunk
        if len(text) > limit:
            raise BadArguments(f"The part {(part.name or '')[:40]!r} of the form is too long.", advice="")
    return text


class _form_errors:  # noqa: N801 - used as a function
    """Translates what the HTTP library says of a broken body."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, (ValueError, AssertionError, EOFError, HttpProcessingError, web.RequestPayloadError)):
            raise BadArguments("The body is not what its header says.", advice="") from error


class _Receiver:
    """Writes a clip to a file of its own as it comes.

    Raises, while it does:
        TooLong: it is too large.
        OutOfSpace, NotWritable, NotReadable: the drive of the bridge's folder does not take it.
        BadArguments: it is empty.
    """

    def __init__(self, uploads: Uploads, connection: HttpConnection) -> None:
        self._uploads = uploads
        self._connection = connection
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()

    def discard(self) -> None:
        """Removes what has come."""
        if self._path is not None:
            self._uploads.remove(self._path, self._file)

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> _Clip:
        await self._on_drive(lambda: self._open(name))
        block, size = bytearray(), 0
        async for chunk in chunks:
            self._connection.moved(len(chunk))
            size += len(chunk)
            self._uploads.check_size(size)
            block += chunk
            if len(block) >= BLOCK_BYTES:
                await self._write(bytes(block))
                block.clear()
        if not size:
            raise BadArguments("There is no audio in the body.", advice="")
        await self._write(bytes(block))
        assert self._file is not None and self._path is not None
        await self._on_drive(self._file.close)
        return _Clip(self._path, self._digest.digest())

    def _open(self, name: str) -> None:
        self._path, self._file = self._uploads.begin(name)

    async def _write(self, block: bytes) -> None:
        def work() -> None:
            if not self._uploads.has_room(len(block)):
                raise OutOfSpace("The drive of the bridge's folder is full.", advice="Free some space on it.")
            assert self._file is not None
            self._file.write(block)
            self._file.flush()  # a drive that is full says so here, and not when the file is closed
            self._digest.update(block)

        await self._on_drive(work)

    async def _on_drive(self, work: Callable[[], None]) -> None:
        folder = self._uploads.folder
        try:
            await off_loop(work, timeout_seconds=ANSWER_SECONDS)
        except TimeoutError:
            raise unresponsive_drive(folder) from None
        except OSError as error:
            if is_drive_full(error):
                raise OutOfSpace(
                    "The drive of the bridge's folder is full.", advice="Free some space on it."
                ) from error
            raise NotWritable(f"{folder} cannot be written: {error.strerror}.", advice="") from error


def _fingerprint(source: str, options: Mapping[str, object], name: str = "") -> bytes:
    said = msgspec.json.encode([source, name, sorted(options.items(), key=lambda item: item[0])])
    return hashlib.sha256(said).digest()
