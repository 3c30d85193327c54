"""Bringing a job back without its work: its stems from the cache, to the folder they went to before or a new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import IO

import msgspec

from bridge.audio.riff import addition
from bridge.audio.source import Region
from bridge.model import JobRequest
from bridge.pipeline.cache.store import BLOCK_BYTES, OpenEntry
from bridge.pipeline.manifest import decode_manifest
from bridge.pipeline.output_files import OutputFile, result_file
from bridge.pipeline.output_folder import OutputFolder
from bridge.pipeline.stems import stamps
from bridge.project_paths import numbered
from bridge.system.files import read_small


def stem_pieces(cached: OpenEntry, region: Region, request: JobRequest, name: str) -> Iterator[OutputFile]:
    """The stems of an entry, with the time stamps of the job that wants them now."""
    for result in cached.entry.results:
        content, length = cached.files[result.path], cached.entry.sizes[result.path]
        chunks = stamps(result.name, region, request)
        file = result_file(name, result.name, Path(result.path).suffix[1:])
        yield OutputFile(msgspec.structs.replace(result, path=file), _Stamped(content, length, chunks).blocks)


def folder_of(job: str, wanted: Path, name: str, key: str, pieces: Sequence[OutputFile]) -> OutputFolder | None:
    """The folder called `wanted`, `wanted 2` … that a job with this key went to, of which nothing was changed since.

    Some of its files may be gone. A file that is there but differs is the user's work by now: then the folder is not
    touched.
    """
    for candidate in numbered(wanted):
        if not candidate.is_dir():
            return None
        if _went_to(candidate, name, key) and all(is_unchanged(candidate / one.result.path, one) for one in pieces):
            return OutputFolder(job, candidate, complete=(one.result.path for one in pieces))
    return None


def is_unchanged(path: Path, piece: OutputFile) -> bool:
    """Whether a file is still what was made, or gone."""
    try:
        with path.open("rb") as file:
            there = iter(lambda: file.read(BLOCK_BYTES), b"")
            return all(one == other for one, other in zip_longest(_evenly(piece.blocks()), there))
    except FileNotFoundError:
        return True
    except OSError:
        return False


def write_if_changed(piece: OutputFile, folder: OutputFolder) -> None:
    """Sees that one file lies in `folder`.

    Raises:
        NotWritable, OutOfSpace: it cannot be written, or another file of its name has appeared.
    """
    file = piece.result.path
    if folder.has(file):
        return
    with folder.landing(file) as temporary, temporary.open("xb") as copy:
        copy.writelines(piece.blocks())


def size_and_time(source: Path) -> tuple[int, int] | None:
    """What changes when somebody writes to a file; None where it is gone."""
    try:
        state = source.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns


class _Stamped:
    """A WAV file as it is kept, with chunks behind its audio; any other file as it is kept."""

    def __init__(self, content: IO[bytes], length: int, chunks: Sequence[tuple[bytes, bytes]]) -> None:
        self._content = content
        self._length = length
        self._chunks = chunks

    def blocks(self) -> Iterator[bytes]:
        self._content.seek(0)
        head = self._content.read(12)
        is_wav = head[:4] == b"RIFF" and head[8:] == b"WAVE"
        size, added = addition(self._length, self._chunks) if is_wav else (head[4:8], b"")
        yield head[:4] + size + head[8:]
        while block := self._content.read(BLOCK_BYTES):
            yield block
        yield added


def _evenly(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of one size, but for the last."""
    rest = b""
    for block in blocks:
        rest += block
        while len(rest) >= BLOCK_BYTES:
            yield rest[:BLOCK_BYTES]
            rest = rest[BLOCK_BYTES:]
    if rest:
        yield rest


def _went_to(folder: Path, name: str, key: str) -> bool:
    if folder.is_symlink():
        return False
    try:
        return decode_manifest(read_small(folder / f"{name}.sab.json")).cache_key == key
    except (OSError, ValueError):
        return False
