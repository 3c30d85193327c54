"""Drives that are full, or answer no more, while a clip comes or a file goes."""

from __future__ import annotations

import asyncio
import errno
import io
import threading
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from bridge.model import Job, Result
from bridge.osc.http import uploads
from bridge.osc.http.jobs import bodies, files
from bridge.system.off_loop import BackgroundDiskWork
from tests.support.fakes import FakeBridge
from tests.support.http_site import ALLOWED, http_site
from tests.support.requests import request_for

#: How long a drive that hangs does so if nothing else happens: the server itself must not have waited for it.
GIVES_UP_SECONDS = 20.0


class Drive(io.RawIOBase):
    """A file on a drive that hangs from its second access on, until it is released."""

    def __init__(self, descriptor: int = -1) -> None:
        self.released = threading.Event()
        self.was_released = False
        self._descriptor = descriptor
        self._accesses = 0

    def fileno(self) -> int:
        return self._descriptor

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:  # noqa: ARG002 - every place holds the same
        return place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._access()
        buffer[:] = b"x" * len(buffer)
        return len(buffer)

    def write(self, block: object) -> int:
        self._access()
        return len(cast("memoryview", block))

    def _access(self) -> None:
        self._accesses += 1
        if self._accesses > 1:
            self.was_released = self.released.wait(GIVES_UP_SECONDS)


class FullDrive(io.RawIOBase):
    """A file that takes nothing."""

    def writable(self) -> bool:
        return True

    def write(self, block: object) -> int:  # noqa: ARG002
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("size", [100, 3 * bodies.BLOCK_BYTES])
async def test_a_clip_that_finds_the_drive_full_is_refused_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(uploads, "new_private_file", lambda _: io.BufferedWriter(FullDrive()))
    async with http_site(tmp_path, FakeBridge(), max_bytes=4 * bodies.BLOCK_BYTES) as site:
        answer = await site.post("/jobs", bytes(size), "audio/wav")
        assert (answer.status, answer.json["code"]) == (507, "out_of_space")
        assert list(site.uploads.folder.iterdir()) == []


async def test_a_clip_whose_drive_hangs_is_refused_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = Drive()
    monkeypatch.setattr(uploads, "new_private_file", lambda _: io.BufferedWriter(drive))
    monkeypatch.setattr(bodies, "ANSWER_SECONDS", 0.05)
    clean_up = BackgroundDiskWork(GIVES_UP_SECONDS)
    async with http_site(tmp_path, FakeBridge(), max_bytes=4 * bodies.BLOCK_BYTES, clean_up=clean_up) as site:
        answer = await site.post("/jobs", bytes(3 * bodies.BLOCK_BYTES), "audio/wav")
        assert (answer.status, answer.json["code"]) == (422, "not_readable")
        assert (await site.get("/jobs")).status == 200
        drive.released.set()
        await clean_up.close()
        assert drive.was_released
        assert list(site.uploads.folder.iterdir()) == []


async def test_a_file_whose_drive_hangs_is_cut_off_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stem = tmp_path / "a (Vocals).wav"
    size = files.BLOCK_BYTES + 100
    stem.write_bytes(bytes(size))
    result = Result(kind="stem", name="vocals", folder=str(tmp_path), file=stem.name, seconds=1)
    job = Job(id="j1", name="a", request=request_for("/a.wav"), submitted_unix=1.0, state="running", results=(result,))
    with stem.open("rb") as real:
        drive = Drive(real.fileno())
        monkeypatch.setattr(files, "open_to_read", lambda *_, **__: io.BufferedReader(drive))
        monkeypatch.setattr(files, "ANSWER_SECONDS", 0.05)
        async with http_site(tmp_path, FakeBridge(table={"j1": job})) as site:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(b"GET /jobs/j1/files/a%20(Vocals).wav HTTP/1.1\r\nHost: localhost\r\n" + ALLOWED + b"\r\n")
            received = await _until_cut_off(reader)
            writer.close()
            assert (await site.get("/jobs")).status == 200
            drive.released.set()
    assert received.startswith(b"HTTP/1.1 200")
    assert b"not_readable" not in received
    assert len(received.partition(b"\r\n\r\n")[2]) < size


async def _until_cut_off(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while block := await asyncio.wait_for(reader.read(65_536), GIVES_UP_SECONDS / 2):
            received += block
    return received
