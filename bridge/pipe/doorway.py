"""The socket in a bridge's own folder through which screens of the same account reach it.

Where there are Unix sockets it is one, `screen.sock`: the folder lets no other account in, nor does the socket, and
where the system tells whose process is at the other end, that is checked too. Elsewhere, and where the path is too long
for such a socket, it is a TCP port of this machine, and `screen.json` has its number and a key that is new with each
start. Each side then proves that it has the key, without saying it.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from bridge.errors import BridgeError, NotAllowed
from bridge.system.files import read_small
from bridge.system.private_folders import FILE_MODE, new_private_file, private_folder
from bridge.system.waiting import within

SOCKET_NAME, PORT_NAME = "screen.sock", "screen.json"
#: The longest path of a Unix socket is 104 bytes on macOS and 108 on Linux, with a zero at its end.
MAX_SOCKET_PATH_BYTES = 103
LOOPBACK = "127.0.0.1"
BACKLOG = 16
ROOT = 0
PROOF_BYTES = 32
PROOF_SECONDS = 5.0

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Lets a connection in. Raises NotAllowed, IncompleteReadError, TimeoutError, OSError: it is not of this account.
Admit: TypeAlias = Callable[[], Awaitable[None]]
OnConnected: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Admit], Awaitable[None]]


class NoBridge(BridgeError):  # noqa: N818 - named as in bridge.errors
    """No bridge runs that keeps its jobs in this folder."""

    code = "not_found"


class Doorway(msgspec.Struct, frozen=True):
    """The content of `screen.json`."""

    port: int
    key: str


@asynccontextmanager
async def opened_doorway(folder: Path, on_connected: OnConnected) -> AsyncIterator[None]:
    """Lets screens in while the block runs; `on_connected` is called with each connection, to admit it first of all.

    The folder must be locked by this process: what an earlier bridge has left there is removed.

    Raises:
        OSError: neither socket can be opened.
    """
    private_folder(folder)
    for name in (SOCKET_NAME, PORT_NAME):
        (folder / name).unlink(missing_ok=True)
    if sys.platform != "win32" and _fits(folder):
        server = await asyncio.start_unix_server(
            lambda reader, writer: on_connected(reader, writer, lambda: _check_account(writer)),
            sock=_unix_socket(folder),
        )
        name = SOCKET_NAME
    else:
        key = secrets.token_bytes(PROOF_BYTES)
        server = await asyncio.start_server(
            lambda reader, writer: on_connected(
                reader, writer, lambda: within(_prove_as_bridge(reader, writer, key), PROOF_SECONDS)
            ),
            LOOPBACK,
            0,
            backlog=BACKLOG,
        )
        name = PORT_NAME
        with new_private_file(folder / PORT_NAME) as file:
            file.write(msgspec.json.encode(Doorway(server.sockets[0].getsockname()[1], key.hex())))
    try:
        yield
    finally:
        server.close()
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


async def go_through(folder: Path) -> Streams:
    """A connection to the bridge that uses this folder.

    Raises:
        NoBridge: none runs.
        NotAllowed: what answers there is not of this account.
    """
    try:
        if sys.platform != "win32" and _fits(folder):
            reader, writer = await asyncio.open_unix_connection(folder / SOCKET_NAME)
            key = None
        else:
            doorway = msgspec.json.decode(read_small(folder / PORT_NAME), type=Doorway)
            reader, writer = await asyncio.open_connection(LOOPBACK, doorway.port)
            key = bytes.fromhex(doorway.key)
    except (OSError, ValueError, OverflowError) as error:
        raise NoBridge(
            f"No bridge runs whose folder is {folder}.", advice="Start one with `sab` or `sab serve`."
        ) from error
    try:
        if key is None:
            await _check_account(writer)
        else:
            await within(_prove_as_screen(reader, writer, key), PROOF_SECONDS)
    except BaseException as error:
        await hang_up(writer, at_once=True)
        if isinstance(error, NotAllowed):
            raise
        if isinstance(error, asyncio.IncompleteReadError | asyncio.TimeoutError | OSError):
            raise NoBridge(f"What answers in {folder} is no bridge of yours.") from error
        raise
    return reader, writer


async def hang_up(writer: asyncio.StreamWriter, *, at_once: bool = False) -> None:
    """Ends a connection, and returns when it has ended; `at_once`: what is not sent yet is dropped."""
    try:
        writer.transport.abort() if at_once else writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    except asyncio.CancelledError:
        writer.transport.abort()
        raise


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES


if sys.platform != "win32":

    def _unix_socket(folder: Path) -> socket.socket:
        """A socket file that only this account may write to, from its first moment."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with suppress(OSError):  # Linux makes the file with the mode of the socket
                os.fchmod(listening.fileno(), FILE_MODE)
            listening.bind(str(folder / SOCKET_NAME))
            (folder / SOCKET_NAME).chmod(FILE_MODE)
            listening.listen(BACKLOG)
            listening.setblocking(False)
        except BaseException:
            listening.close()
            raise
        return listening


async def _check_account(writer: asyncio.StreamWriter) -> None:
    """Raises NotAllowed: the process at the other end is of another account; root's are let in."""
    if sys.platform == "linux":
        connection = writer.get_extra_info("socket")
        size = struct.calcsize("3i")
        _, account, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        if account not in (os.geteuid(), ROOT):
            raise NotAllowed("The bridge at this socket, or the screen, belongs to another account.")


async def _prove_as_bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes) -> None:
    """Proves itself only to who has proved to have the key. Raises NotAllowed."""
    nonce = secrets.token_bytes(PROOF_BYTES)
    writer.write(nonce)
    said, other = await reader.readexactly(PROOF_BYTES), await reader.readexactly(PROOF_BYTES)
    if not hmac.compare_digest(said, _proof(key, b"screen", nonce)):
        raise NotAllowed("A screen has not shown the key of this bridge.")
    writer.write(_proof(key, b"bridge", other))


async def _prove_as_screen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes) -> None:
    """Raises NotAllowed."""
    own = secrets.token_bytes(PROOF_BYTES)
    writer.write(_proof(key, b"screen", await reader.readexactly(PROOF_BYTES)) + own)
    if not hmac.compare_digest(await reader.readexactly(PROOF_BYTES), _proof(key, b"bridge", own)):
        raise NotAllowed("What answers at the bridge's port does not have its key.")


def _proof(key: bytes, side: bytes, nonce: bytes) -> bytes:
    return hmac.digest(key, side + nonce, "sha256")
