"""Ardour without a screen: it records the bridge's ports, and its recordings can be compared with other MIDI files.

    with recording(folder, clip, url, take_seconds) as ardour:
        ardour.take()
        ardour.take()
    ardour.recorded["Drums"][-1]  # the last take

    with rolling_with_jack(folder) as ardour:
        ardour.roll(4.0)
        ardour.free()
        …  # JACK's transport has stopped: what it ends is recorded
        ardour.stop()

`ardour.lua` runs inside the DAW.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple, cast

import mido  # type: ignore[import-untyped]  # it ships no types

from tests.support.jack_server import SAMPLE_RATE_HZ, why_no_jack

PROGRAM = "ardour7-lua"
#: JACK's transport is Ardour's transport master; without it, that is the last one of its list.
CONFIGURATION = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config/>
  <TransportMasters current="JACK Transport">
    <TransportMaster type="Engine" name="JACK Transport" removeable="0" collect="1"/>
  </TransportMasters>
</Ardour>
"""
SCRIPT = Path(__file__).with_name("ardour.lua")
END_SECONDS = 30
STARTS = 3


def why_no_ardour() -> str:
    """What this machine lacks to record with Ardour; empty if it lacks nothing."""
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM} is not installed (Debian 12: ardour)"
    return why_no_jack()


class Recording(NamedTuple):
    """A take of one track."""

    seconds: float
    """Where it lies in the session; the times in its file count from there."""
    path: Path


class Ardour:
    """Four armed tracks in a new session, for a clip that the bridge separates."""

    def __init__(self, process: subprocess.Popen[str], session: Path, log: Path) -> None:
        self.session = session
        self.recorded: defaultdict[str, list[Recording]] = defaultdict(list)
        """Of each track its takes, by their positions."""
        self._process = process
        self._log = log
        self._lines: list[str] = []

    def has_opened(self) -> bool:
        """Whether it has created its session, with a track on each port."""
        return self._next_line() == ["opened"]

    def take(self) -> None:
        """Rolls, has the notes played, and stops. A take begins where the last one ended, so nothing is overwritten."""
        self._wish("take", "took")

    def roll(self, seconds: float) -> None:
        """Records from that position on, with JACK's transport, until `free`."""
        self._wish(f"roll {seconds}", "rolling")

    def free(self) -> None:
        """Stops JACK's transport, and records on until `stop`."""
        self._wish("free", "freed")

    def stop(self) -> None:
        self._wish("stop", "stopped")

    def end(self) -> None:
        """Saves the session and closes the DAW; afterwards `recorded` is complete."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self.read_until("closed")
        self._process.wait(END_SECONDS)

    @property
    def log(self) -> str:
        """What it has complained of."""
        return self._log.read_text(errors="replace")

    def _wish(self, wish: str, answer: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{wish}\n")
        self._process.stdin.flush()
        self.read_until(answer)

    def read_until(self, word: str) -> None:
        """Reads the script's output up to that word; asserts that it arrives."""
        while (words := self._next_line())[:1] != [word]:
            assert words and words[0] != "failed", "\n".join([*self._lines, self._log.read_text()])
            if words[0] == "recorded":
                self.recorded[words[1]].append(Recording(float(words[2]), Path(words[3])))

    def _next_line(self) -> list[str]:
        """The words of its next line, the last one with the rest of the line; empty if it has ended."""
        for line in cast("Iterator[str]", self._process.stdout):
            if line.startswith("> "):
                self._lines.append(line)
                return line.rstrip("\n").split(" ", 4)[1:]
        self._lines.append(f"Ardour has ended with status {self._process.wait(END_SECONDS)}")
        return []


@contextmanager
def recording(folder: Path, clip: Path, url: str, take_seconds: float) -> Iterator[Ardour]:
    """Ardour with a new session in `folder`, after `clip` was separated by the bridge at `url`."""
    with _started(folder, str(clip), url, str(take_seconds)) as ardour:
        yield ardour


@contextmanager
def rolling_with_jack(folder: Path) -> Iterator[Ardour]:
    """Ardour with a new session in `folder`, whose transport is JACK's."""
    (folder / "settings" / "ardour7").mkdir(parents=True)
    (folder / "settings" / "ardour7" / "config").write_text(CONFIGURATION)
    with _started(folder, settings=folder / "settings") as ardour:
        yield ardour


@contextmanager
def _started(folder: Path, *arguments: str, settings: Path | None = None) -> Iterator[Ardour]:
    with contextlib.ExitStack() as stack:
        # On a busy machine Ardour 7.3 sometimes crashes or loses the server while it starts.
        for start in range(STARTS):
            ardour = stack.enter_context(_running(folder, f"session {start}", *arguments, settings=settings))
            if ardour.has_opened():
                break
        ardour.read_until("ready")
        yield ardour
        ardour.end()


@contextmanager
def _running(folder: Path, name: str, *arguments: str, settings: Path | None) -> Iterator[Ardour]:
    session, log = folder / name, folder / f"{name}.log"
    command = [PROGRAM, str(SCRIPT), str(session), str(SAMPLE_RATE_HZ), *arguments]
    environment = None if settings is None else {**os.environ, "XDG_CONFIG_HOME": str(settings)}
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=errors, text=True, env=environment) as ardour,
    ):
        try:
            yield Ardour(ardour, session, log)
        finally:
            ardour.kill()


class Note(NamedTuple):
    """One note of a MIDI file, times in seconds from its start."""

    on: float
    off: float
    channel: int
    pitch: int
    velocity: int

    @property
    def key(self) -> tuple[int, int, int]:
        """The attributes that do not depend on time."""
        return self.channel, self.pitch, self.velocity


class Bend(NamedTuple):
    """A pitch wheel message."""

    seconds: float
    channel: int
    value: int


class Part(NamedTuple):
    """The notes and bends of a MIDI file."""

    notes: list[Note]
    bends: list[Bend]


def read_part(path: Path) -> Part:
    """The notes of a file, sorted by onset, and its bends, read by mido alone.

    Asserts that each note ends, that no pitch starts again while it sounds, and that every end has a start.
    """
    seconds = 0.0
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    notes: list[Note] = []
    bends: list[Bend] = []
    for message in mido.MidiFile(path):
        seconds += message.time
        match message.type:
            case "note_on" if message.velocity > 0:
                assert (message.channel, message.note) not in sounding, f"{path.name}: {message} sounds already"
                sounding[message.channel, message.note] = (seconds, message.velocity)
            case "note_on" | "note_off":
                on, velocity = sounding.pop((message.channel, message.note))
                notes.append(Note(on, seconds, message.channel, message.note, velocity))
            case "pitchwheel":
                bends.append(Bend(seconds, message.channel, message.pitch))
    assert not sounding, f"{path.name}: {sounding} never end"
    return Part(sorted(notes), bends)
