"""The environments ("worlds") that a user may have, and how to run commands in them.

Each world is set up once for all its commands: its own home, a folder with a few songs, a network namespace of its own
if possible, and the properties that make the world.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.support.instruments import DRUM_RATE_HZ, beat
from tests.support.jack_server import JackServer, running_jack, why_no_jack
from tests.support.pseudo_terminal import Terminal, in_terminal
from tests.support.sounds import Samples, music, write
from tests.worlds.shown import ROOT

PROGRAMS = ROOT / ".venv" / "bin"
TIMEOUT_SECONDS = 150.0
#: Environment variables with this machine's package indexes, for `make` and `uv`.
SETTINGS = ("UV_", "PIP_", "SSL_", "http", "HTTP")
#: Stack traces and internal errors, which a user must never see.
FORBIDDEN_OUTPUT = ("Traceback", "internal:", "Errno", "BrokenPipe", "UnicodeEncodeError")


@dataclass
class Place:
    """The environment in which commands run."""

    folder: Path
    environment: dict[str, str]
    prefix: Sequence[str] = ()
    """The command line that a command is started with."""
    has_terminal: bool = False
    jack: JackServer | None = None

    def run_until(self, command: str, words: str) -> tuple[int, str]:
        """Runs a command until it prints `words`, then interrupts it; returns its status and output."""
        if self.has_terminal:
            with self.typed(f"exec {command}") as terminal:
                terminal.shows(words)
                terminal.type(b"\x03")
                status = terminal.ends()
            return status, _without_colours(terminal.drawn.decode("utf-8", "replace"))
        with subprocess.Popen(
            [*self.prefix, "bash", "-c", f"exec {command}"],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                output = b""
                while words.encode() not in output and (line := process.stdout.readline()):
                    output += line
                process.send_signal(signal.SIGINT)
                output += process.stdout.read()
                return process.wait(60), output.decode("utf-8", "replace")
            finally:
                process.kill()

    def run(self, command: str, keys: Sequence[tuple[str, bytes]] = (), cwd: Path | None = None) -> tuple[int, str]:
        """Runs a command unchanged; returns its status and output.

        On a terminal, `keys` are typed as soon as the words before them are shown.
        """
        if not self.has_terminal:
            done = subprocess.run(
                [*self.prefix, "bash", "-c", command],
                cwd=cwd or self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_SECONDS, check=False,
                start_new_session=True,
            )  # fmt: skip
            return done.returncode, done.stdout.decode("utf-8", "replace")
        with self.typed(command, cwd) as terminal:
            place = 0
            for words, pressed in keys:
                place = terminal.shows(words, place)
                terminal.type(pressed)
            status = terminal.ends()
        return status, _without_colours(terminal.drawn.decode("utf-8", "replace"))

    @contextlib.contextmanager
    def typed(self, command: str, cwd: Path | None = None) -> Iterator[Terminal]:
        program = [*self.prefix, "bash", "-c", command]
        with in_terminal(program=program, environment=self.environment, cwd=cwd or self.folder) as terminal:
            yield terminal

    @contextlib.contextmanager
    def serving(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Runs `sab serve` during the block; it must end with status 0."""
        process = subprocess.Popen(
            [*self.prefix, "sab", "serve", "--engine", "draft", *options],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith(b"listening on osc.udp://"), line
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(60)
            process.stdout.close()
        assert status == 0


def _without_colours(drawn: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)


def home_in(folder: Path) -> Place:
    """A home in which the bridge was never used, with the folders of two DAWs, and the songs named in README."""
    home, work = folder / "home", folder / "work"
    for daw in ("ardour7", "REAPER"):
        (home / ".config" / daw).mkdir(parents=True)
    (work / "session").mkdir(parents=True)
    (work / ".venv").symlink_to(ROOT / ".venv")
    song = write(work / "song.wav", music(4.0))
    for name in ("clip.wav", "loop.wav", "bassline.wav"):
        shutil.copyfile(song, work / name)
    write(work / "drums.wav", np.sum([*beat(3).values()], axis=0)[:, np.newaxis] * 0.5, DRUM_RATE_HZ)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG") or name.startswith(SETTINGS)}
    environment = {
        **kept,
        "HOME": str(home),
        "PATH": f"{PROGRAMS}:{kept['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "JACK_DEFAULT_SERVER": "sab-nowhere",
    }
    return Place(work, environment)


@contextlib.contextmanager
def no_ports(folder: Path) -> Iterator[Place]:
    """No MIDI back-end answers; output goes to a pipe, as from a script or an editor."""
    if Path("/dev/snd/seq").exists():
        pytest.skip("this machine has ALSA's sequencer")
    place = home_in(folder)
    write(place.folder / "song.wav", long_song())
    with loopback_only() as place.prefix:
        yield place


def long_song() -> Samples:
    """Long enough for README's `--start 30 --end 45`; mostly silent outside of that."""
    return np.concatenate([music(4.0), np.zeros((26 * 44_100, 2), np.float32), music(16.0)])


@contextlib.contextmanager
def jackd(folder: Path) -> Iterator[Place]:
    """A JACK server runs, so the ports open."""
    if reason := why_no_jack():
        pytest.skip(reason)
    place = home_in(folder)
    with running_jack() as server, loopback_only() as prefix:
        place.prefix = prefix
        place.environment.update(server.environment)
        place.jack = server
        yield place


@contextlib.contextmanager
def no_network(folder: Path) -> Iterator[Place]:
    """No network except loopback: no name resolves, and no host is reached."""
    place = home_in(folder)
    with loopback_only() as prefix:
        if not prefix:
            pytest.skip("this machine allows no network namespaces")
        place.prefix = prefix
        yield place


@contextlib.contextmanager
def loopback_only() -> Iterator[list[str]]:
    """The prefix that runs a command in its own network namespace; empty: not permitted here."""
    if any(shutil.which(tool) is None for tool in ("unshare", "nsenter", "ip")):
        yield []
        return
    own = ["--map-root-user"] if os.geteuid() else []
    user = ["--user", "--preserve-credentials"] if os.geteuid() else []
    with subprocess.Popen(
        ["unshare", "--net", *own, "sh", "-c", "ip link set lo up && echo ready && exec sleep infinity"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as holder:
        try:
            assert holder.stdout is not None
            is_ready = holder.stdout.readline() == b"ready\n"
            yield ["nsenter", "--target", str(holder.pid), "--net", *user, "--"] if is_ready else []
        finally:
            holder.kill()


@contextlib.contextmanager
def no_terminal(folder: Path) -> Iterator[Place]:
    """No terminal and no TERM, as when cron or a DAW starts the command."""
    place = home_in(folder)
    del place.environment["TERM"]
    with loopback_only() as place.prefix:
        yield place


@contextlib.contextmanager
def terminal(folder: Path) -> Iterator[Place]:
    """A terminal with a person at it."""
    place = home_in(folder)
    place.has_terminal = True
    with loopback_only() as place.prefix:
        yield place


def _with(**variables: str) -> Callable[[Path], contextlib.AbstractContextManager[Place]]:
    @contextlib.contextmanager
    def world(folder: Path) -> Iterator[Place]:
        place = home_in(folder)
        place.environment.pop("LANG")
        place.environment.update(variables)
        with loopback_only() as place.prefix:
            yield place

    return world


@contextlib.contextmanager
def read_only_home(folder: Path) -> Iterator[Place]:
    """Nothing can be written below the home: a live system, a sandbox, a full quota."""
    place = home_in(folder)
    locked = 'mount --bind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME" && exec "$@"'
    own = ["--map-root-user"] if os.geteuid() else []
    with loopback_only() as prefix:
        place.prefix = [*prefix, "unshare", "--mount", *own, "sh", "-c", locked, "sh"]
        status, _ = place.run("! touch ~/file")
        if status:
            pytest.skip("this machine allows no mount namespaces")
        yield place


@contextlib.contextmanager
def second_bridge(folder: Path) -> Iterator[Place]:
    """Another bridge runs on the default port."""
    place = home_in(folder)
    place.has_terminal = True
    with loopback_only() as place.prefix, place.serving():
        yield place


#: By the names of the table's columns.
WORLDS: Mapping[str, Callable[[Path], contextlib.AbstractContextManager[Place]]] = {
    "no ports": no_ports,
    "jackd": jackd,
    "no network": no_network,
    "no terminal": no_terminal,
    "terminal": terminal,
    "LC_ALL=C": _with(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
    "cp437": _with(PYTHONIOENCODING="cp437"),
    "read-only home": read_only_home,
    "second bridge": second_bridge,
}
