"""What this bridge is called on a JACK server: `Source Audio Bridge`, and `Source Audio Bridge 2` beside another one.

All its clients, ports and aliases are named after that, so that no name of one bridge is ever in another's way, in
whatever order they start, end and are killed. Whoever has a name holds two things:

* a lock on a file, which the system takes back however the process ends. It tells a bridge that lives from the remains
  of one that was killed, which a server keeps for a moment, and lets only one at a time ask the server: that looks a
  name up and gives it away in two steps;
* the JACK client `… watch` of exactly that name, which keeps the bridges of several users apart.

The lowest free number is taken, so that a bridge that starts again is called what it was called before.
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

#: What a command is called that opens ports for a moment: it takes no bridge's name while that starts.
GUEST_NAME = f"{CLIENT_NAME} look"
MAX_BRIDGES = 9
#: How long a server may keep what was killed. A synchronous one waits for it, mostly some seconds, once in a while ten.
REMAINS_SECONDS = 20.0
#: Each look opens a client, which changes the server's graph: not often.
_LOOK_SECONDS = 0.2


@contextlib.contextmanager
def claimed(on_shutdown: Callable[[], None], base: str = CLIENT_NAME, owner: str = "") -> Iterator[JackWatch]:
    """A watch under the first free name that begins with `base`; the name is free again when the block is left.

    `owner` says whose it is, for `name_of`; for `on_shutdown` see `JackWatch`. Waits up to `REMAINS_SECONDS` for what a
    bridge of that name has left behind that was killed.

    Raises:
        OSError: no server answers, or this build of RtMidi has no libjack.
        EngineFailed: all names are taken.
    """
    for name in _names(base):
        with contextlib.ExitStack() as held:
            patience = REMAINS_SECONDS if _left_behind(name) else 0.0
            if held.enter_context(_locked(name, owner)) and (watch := _watch(name, on_shutdown, patience)) is not None:
                with watch:
                    yield watch
                return
    raise EngineFailed(
        f"JACK answers, but {MAX_BRIDGES} bridges have all the names that there are for one.",
        advice="End those that you do not need; the ports come by themselves then.",
    )


def name_of(owner: str) -> str | None:
    """What the bridge is called whose `owner` this is; None where none has claimed a name on this server."""
    for name in _names(CLIENT_NAME):
        with contextlib.suppress(OSError):
            if owner and _lock_file(name).read_text(encoding="utf-8").rstrip("\n") == owner:
                with _locked(name) as is_free:
                    if not is_free:
                        return name
    return None


def _names(base: str) -> list[str]:
    return [base, *(f"{base} {number}" for number in range(2, MAX_BRIDGES + 1))]


def _left_behind(name: str) -> bool:
    """Whether a bridge of that name has not ended by itself, so that the server may still have its remains."""
    with contextlib.suppress(OSError, ValueError):
        return _lock_file(name).stat().st_size > 0
    return False


def _watch(name: str, on_shutdown: Callable[[], None], patience_seconds: float) -> JackWatch | None:
    """None where somebody has the name who does not share our lock: another user's bridge, or an older one."""
    deadline = time.monotonic() + patience_seconds
    while (watch := _open(name, on_shutdown)) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(_LOOK_SECONDS)
    while watch.ports():
        if time.monotonic() > deadline:
            watch.close()
            return None
        time.sleep(_LOOK_SECONDS)
    return watch


def _open(name: str, on_shutdown: Callable[[], None]) -> JackWatch | None:
    try:
        return JackWatch(name, on_shutdown)
    except NameTakenError:
        return None


@contextlib.contextmanager
def _locked(name: str, owner: str | None = None) -> Iterator[bool]:
    """False where a process of this user's holds the name's lock. True also where the system has no such locks.

    `owner` is written down; None: what is there stays.
    """
    if sys.platform == "win32":
        yield True
        return
    import fcntl

    try:
        file = os.open(_lock_file(name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # a folder that cannot be written: the server alone keeps the names apart
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
                os.ftruncate(file, 0)  # it stays full where the process is killed
    finally:
        os.close(file)


def _lock_file(name: str) -> Path:
    """One for each user, server and name. It stays: who removed it might remove one that is just being locked."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    server = os.environ.get("JACK_DEFAULT_SERVER") or "default"
    return Path(folder, f"{quote(f'{name} {os.getuid()} {server}', safe=' ').replace(' ', '-').lower()}.lock")
