"""A home of its own for the pictures: songs, a JACK server where there is one, and a `sab` in a terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

#: A path that looks like a musician's, and is the same each time.
HOME = Path(tempfile.gettempdir()) / "ana"
SERVER = "pictures"
#: No other bridge is disturbed.
PORT = "9760"


@contextmanager
def home(*songs: Path) -> Iterator[Path]:
    """Copies songs into the folder Music of a new home, and removes it at the end.

    Raises:
        FileExistsError: there is such a home; another run uses it, or was killed.
    """
    HOME.mkdir(mode=0o700)
    try:
        music = HOME / "Music"
        music.mkdir()
        for song in songs:
            shutil.copy(song, music)
        yield HOME
    finally:
        shutil.rmtree(HOME, ignore_errors=True)


def environment() -> Mapping[str, str]:
    """The variables for programs in that home."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SAB_", "XDG_", "PYTHONPATH"))}
    bin_folder = str(Path(sys.executable).parent)
    return {
        **own, "HOME": str(HOME), "JACK_DEFAULT_SERVER": SERVER, "SAB_PORT": PORT, "LANG": "C.UTF-8",
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "PS1": "$ ",
    }  # fmt: skip


@contextmanager
def jack_server() -> Iterator[bool]:
    """A JACK server without a sound card; yields False where JACK is not installed."""
    jackd = shutil.which("jackd")
    if jackd is None:
        yield False
        return
    server = subprocess.Popen(
        (jackd, "-n", SERVER, "-r", "-d", "dummy", "-r", "48000", "-p", "256"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield True
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)
