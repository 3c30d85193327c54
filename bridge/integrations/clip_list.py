"""The two files by which a script sends clips with `sab submit --list`, and reads what became of them.

A DAW's script may not wait for a program and cannot read what it prints. So the clips stand in a file, one JSON object
a line, `{"file": "/a.wav", "start": "1.5", …}`, and the answers are appended to another as they come, as JSON lines:

    {"answer":"begun"}
    {"answer":"job","clip":1,"job":"…"}                           the first clip is queued
    {"answer":"refused","clip":2,"code":"…","message":"…"}        the second is not
    {"answer":"failed","code":"…","message":"…"}                  nothing more can be sent; not_found: no bridge answers
    {"answer":"end"}
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import msgspec

from bridge.errors import BadArguments, BridgeError, NotReadable, NotWritable
from bridge.system.files import parsed, read_small

FILE = "file"
_DECODER = msgspec.json.Decoder(dict[str, str])


def read_list(path: Path) -> list[dict[str, str]]:
    """The clips of a list: the path under `file`, and options.

    Raises:
        NotReadable: the list cannot be read.
        BadArguments: it names no clip, a line is no JSON object of texts with a file, or it is far too large.
    """
    try:
        lines = read_small(path).splitlines()
    except OSError as error:
        raise NotReadable(f"The list {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise BadArguments(f"The list {path} is no list of clips: {error}.") from error
    try:
        clips = [parsed(line, _DECODER.decode) for line in lines if line.strip()]
    except ValueError as error:
        raise BadArguments(f"The list {path} must have a JSON object of texts in each line: {error}.") from error
    if not clips or any(FILE not in clip for clip in clips):
        raise BadArguments(f"The list {path} must name a file for each clip, and at least one.")
    return clips


class AnswerFile:
    """The file with the answers; each is there as soon as it is known. Whatever ends the context is its last answer."""

    def __init__(self, path: Path) -> None:
        """Raises NotWritable."""
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise NotWritable(f"{path} cannot be written: {error.strerror or error}.") from error

    def __enter__(self) -> AnswerFile:
        self._write(answer="begun")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is not None:
                code = error.code if isinstance(error, BridgeError) else "internal"
                self._write(answer="failed", code=code, message=str(error) or type(error).__name__)
            self._write(answer="end")

    def accepted(self, clip: int, job: str) -> None:
        """The clip with that number, from 1, is queued."""
        self._write(answer="job", clip=clip, job=job)

    def refused(self, clip: int, error: BridgeError) -> None:
        """The clip with that number is not queued."""
        self._write(answer="refused", clip=clip, code=error.code, message=str(error))

    def _write(self, **answer: str | int) -> None:
        try:
            self._file.write(msgspec.json.encode(answer) + b"\n")
        except OSError as error:
            raise NotWritable(f"{self._path} cannot be written: {error.strerror or error}.") from error
