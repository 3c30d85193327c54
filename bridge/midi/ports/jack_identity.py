"""The bridge's name on a JACK server: `Source Audio Bridge`, or `Source Audio Bridge 2` beside another bridge.

All its clients, ports and aliases are named after it, so that bridges never collide, in whatever order they start, end
and are killed. The owner of a name holds two things:

* a lock on a file, which the system releases however the process ends. It distinguishes a running bridge from the
  remains of a killed one, which a server keeps for a moment, and serialises the requests to the server, which looks a
  name up and assigns it in two steps;
* the JACK client `… watch` of exactly that name, which keeps the bridges of different users apart.

The lowest free number is taken, so that a restarted bridge gets its earlier name.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from bridge.errors import EngineFailed
from bridge.midi.ports.jack_watch import JackWatch
from bridge.midi.ports.libjack import NameTakenError
from bridge.midi.ports.rtmidi_ports import CLIENT_NAME

#: The name of a command that opens ports for a moment: it takes no name from a bridge that starts meanwhile.
GUEST_NAME = f"{CLIENT_NAME} look"
MAX_BRIDGES = 9
#: How long a server may keep killed clients. A synchronous one waits for them, mostly some seconds, rarely ten.
STALE_CLIENT_SECONDS = 20.0
#: Each attempt opens a client, which changes the server's graph: not often.
_POLL_SECONDS = 0.2


@contextlib.contextmanager
def claim_name(on_shutdown: Callable[[], None], base: str = CLIENT_NAME, owner: str = "") -> Iterator[JackWatch]:
    """A watch under the first free name that begins with `base`; the name is released on exit.

    `owner` identifies the bridge for `name_of`; for `on_shutdown` see `JackWatch`. Waits up to `STALE_CLIENT_SECONDS`
    for the remains of a killed bridge of that name.

    Raises:
        OSError: no server answers, or this build of RtMidi has no libjack.
        EngineFailed: all names are taken.
    """
    for name in _names(base):
        with contextlib.ExitStack() as held:
            timeout_seconds = STALE_CLIENT_SECONDS if _was_killed(name) else 0.0
            if (
                held.enter_context(_locked(name, owner))
                and (watch := _watch(name, on_shutdown, timeout_seconds)) is not None
            ):
                with watch:
                    yield watch
                return
    raise EngineFailed(
        f"JACK answers, but {MAX_BRIDGES} bridges run already and have taken all names.",
        advice="End those that you do not need; this bridge then opens its ports by itself.",
    )


def name_of(owner: str) -> str | None:
    """The name of the bridge with this `owner`; None if it has claimed no name on this server."""
    for name in _names(CLIENT_NAME):
        with contextlib.suppress(OSError):
            if owner and _lock_file(name).read_text(encoding="utf-8").rstrip("\n") == owner:
                with _locked(name) as is_free:
                    if not is_free:
                        return name
    return None


def _names(base: str) -> list[str]:
    return [base, *(f"{base} {number}" for number in range(2, MAX_BRIDGES + 1))]


def _was_killed(name: str) -> bool:
    """Whether the last bridge of that name did not exit cleanly, so that the server may still have its clients."""
    with contextlib.suppress(OSError, ValueError):
        return _lock_file(name).stat().st_size > 0
    return False


def _watch(name: str, on_shutdown: Callable[[], None], timeout_seconds: float) -> JackWatch | None:
    """None if the name belongs to a program that does not use our lock: another user's bridge, or an older version."""
    deadline = time.monotonic() + timeout_seconds
    while (watch := _open(name, on_shutdown)) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL_SECONDS)
    while watch.ports():
        if time.monotonic() > deadline:
            watch.close()
            return None
        time.sleep(_POLL_SECONDS)
    return watch


def _open(name: str, on_shutdown: Callable[[], None]) -> JackWatch | None:
    try:
        return JackWatch(name, on_shutdown)
    except NameTakenError:
        return None


@contextlib.contextmanager
def _locked(name: str, owner: str | None = None) -> Iterator[bool]:
    """False if another process of this user holds the name's lock. True also if the system has no file locks.

    `owner` is written into the file; None leaves its content.
    """
    if sys.platform == "win32":
        yield True
        return
    import fcntl

    try:
        file = os.open(_lock_file(name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # the folder cannot be written: only the server keeps the names apart
        yield True
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            if owner is None:
                yield True
                return
            os.ftruncate(file, 0)
            os.write(file, f"{owner}\n".encode("utf-8", "replace"))
            try:
                yield True
            finally:
                os.ftruncate(file, 0)  # the content remains if the process is killed
    finally:
        os.close(file)


def _lock_file(name: str) -> Path:
    """One for each user, server and name. Never deleted: another process might be locking it at that moment."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    server = os.environ.get("JACK_DEFAULT_SERVER") or "default"
    return Path(folder, f"{quote(f'{name} {os.getuid()} {server}', safe=' ').replace(' ', '-').lower()}.lock")
