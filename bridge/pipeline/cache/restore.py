"""Restores a finished job from the cache, into the folder it was written to before or a new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

import msgspec

from bridge.audio.riff import appended_bytes
from bridge.audio.source import OpenRegion
from bridge.pipeline.cache.store import BLOCK_BYTES, OpenEntry
from bridge.pipeline.folders.job_folders import JobFolders
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.manifest import decode_manifest, manifest_name
from bridge.pipeline.output_files import OutputFile, result_file_name
from bridge.pipeline.stems import stem_chunks
from bridge.request import JobRequest
from bridge.system.files import read_open


def cached_stem_files(cached: OpenEntry, region: OpenRegion, request: JobRequest, name: str) -> Iterator[OutputFile]:
    """The stems of a cache entry as output files, with the chunks of the current job in WAV files."""
    for result in cached.entry.results:
        content, length = cached.files[result.file], cached.entry.sizes[result.file]
        chunks = stem_chunks(result.name, region, request)
        file = result_file_name(name, result.name, Path(result.file).suffix[1:])
        stamped = _StampedFile(content, length, chunks)
        yield OutputFile(msgspec.structs.replace(result, file=file), stamped.blocks, stamped.size_bytes)


def find_previous_folder(
    folders: JobFolders, wanted: Path, name: str, key: str, files: Sequence[OutputFile]
) -> OutputFolder | None:
    """The folder `wanted`, `wanted 2` … that a job with this key was written to, if it is unchanged since.

    Some of its files may be missing. If a file differs, it is the user's work, and the folder is left alone.
    """

    def complete(folder: OutputFolder) -> list[str] | None:
        if _has_manifest(folder, name, key) and all(is_unchanged(folder, file) for file in files):
            return [file.result.file for file in files]
        return None

    return folders.find(wanted, complete)


def is_unchanged(folder: OutputFolder, output: OutputFile) -> bool:
    """Whether a file in `folder` has the content of `output`, or is missing."""
    try:
        with folder.open(output.result.file) as file:
            there = iter(lambda: file.read(BLOCK_BYTES), b"")
            return all(one == other for one, other in zip_longest(_rechunked(output.blocks()), there))
    except FileNotFoundError:
        return True
    except OSError:
        return False


def write_if_missing(output: OutputFile, folder: OutputFolder) -> None:
    """Writes one file to `folder`, unless the job has already written it.

    Raises:
        NotWritable, OutOfSpace: it cannot be written, or another file of that name has appeared.
    """
    file = output.result.file
    if folder.has(file, output.result):
        return
    with folder.new_file(file, output.result) as copy:
        copy.writelines(output.blocks())


class _StampedFile:
    """A cached file; if it is a WAV file, with chunks appended after its audio."""

    def __init__(self, content: BinaryIO, length: int, chunks: Sequence[tuple[bytes, bytes]]) -> None:
        self._content = content
        self._length = length
        self._chunks = chunks

    @property
    def size_bytes(self) -> int:
        _, chunks = self._head()
        return self._length + len(chunks)

    def blocks(self) -> Iterator[bytes]:
        head, chunks = self._head()
        yield head
        while block := self._content.read(BLOCK_BYTES):
            yield block
        yield chunks

    def _head(self) -> tuple[bytes, bytes]:
        """The file's first bytes, which are read, and what follows its audio."""
        self._content.seek(0)
        head = self._content.read(12)
        is_wav = head[:4] == b"RIFF" and head[8:] == b"WAVE"
        size, chunks = appended_bytes(self._length, self._chunks) if is_wav else (head[4:8], b"")
        return head[:4] + size + head[8:], chunks


def _rechunked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of `BLOCK_BYTES`; the last may be shorter."""
    rest = b""
    for block in blocks:
        rest += block
        while len(rest) >= BLOCK_BYTES:
            yield rest[:BLOCK_BYTES]
            rest = rest[BLOCK_BYTES:]
    if rest:
        yield rest


def _has_manifest(folder: OutputFolder, name: str, key: str) -> bool:
    try:
        with folder.open(manifest_name(name)) as file:
            return decode_manifest(read_open(file)).cache_key == key
    except (OSError, ValueError):
        return False
