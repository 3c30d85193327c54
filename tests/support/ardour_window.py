"""Ardour's window on a virtual screen, in which a script does what a user does with our two actions.

    with showing(folder, plan, environment) as window:
        window.wait("finished")
    window.regions  # the regions in the tracks afterwards

`ardour_window.lua` runs inside the DAW.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from tests.support.ardour import PROGRAM, STARTS
from tests.support.jack_server import SAMPLE_RATE_HZ, why_no_jack

HOOK = Path(__file__).with_name("ardour_window.lua")
NEW_SESSION = Path(__file__).with_name("ardour_session.lua")
ACTIONS = files("bridge.integrations") / "ardour"
POLL_SECONDS = 0.1
START_SECONDS = 40
END_SECONDS = 20

#: Makes it start with this audio system without asking; as saved by the dialog for it.
CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config><Option name="try-autostart-engine" value="1"/><Option name="discover-vst-on-start" value="0"/></Config>
  <Extra><AudioMIDISetup><EngineStates>
    <State backend="JACK" driver="" device="" input-device="" output-device="" sample-rate="48000" buffer-size="1024"
     n-periods="2" input-latency="0" output-latency="0" lm-input="" lm-output="" active="1" use-buffered-io="0"
     midi-option="" lru="1"><MIDIDevices/></State>
  </EngineStates></AudioMIDISetup></Extra>
</Ardour>
"""
#: A hook that receives every signal.
HOOKS = """<?xml version="1.0" encoding="UTF-8"?>
<UIScripts>
  <ActionScript lua="Lua 5.3">{none}</ActionScript>
  <ActionHooks><LuaCallback lua="Lua 5.3" id="1" name="musician" signals="{signals}">{hook}</LuaCallback></ActionHooks>
</UIScripts>
"""


class Clip(NamedTuple):
    """A file to import, and how its region is cut; in samples."""

    path: Path
    place: int
    cut: int = 0
    """How much is cut off its front."""


class Imported(NamedTuple):
    """A track of notes that was imported by hand."""

    track: str
    source: Path


class Region(NamedTuple):
    """A region in a track; in samples of the session."""

    track: str
    name: str
    kind: str
    """stem or midi."""
    place: int
    start: int
    """Where it starts in its sources."""
    frames: int
    sources: Sequence[Path]
    """One file for each channel."""


def why_no_window() -> str:
    """What this machine lacks to show Ardour; empty if it lacks nothing."""
    for program, package in ((PROGRAM, "ardour"), ("ardour", "ardour"), ("Xvfb", "xvfb")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian 12: {package})"
    return why_no_jack()


class Window:
    """A running Ardour with its own session."""

    def __init__(self, process: subprocess.Popen[bytes], session: Path, report: Path, log: Path) -> None:
        self.process = process
        self.session = session
        self._report = report
        self._log = log

    def has_begun(self) -> bool:
        """Whether its hook runs at all."""
        deadline = time.monotonic() + START_SECONDS
        while not self._report.exists() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)  # another program writes the file
        return self._report.exists()

    def wait(self, word: str, within_seconds: float) -> None:
        """Waits until its hook has reported that word; asserts that it does."""
        deadline = time.monotonic() + within_seconds
        while not any(line[0] == word for line in self.lines()):
            failed = [line for line in self.lines() if line[0] == "failed"]
            assert not failed and time.monotonic() < deadline, f"{self.lines()}\n{self._log.read_text()}"
            time.sleep(POLL_SECONDS)

    def lines(self) -> list[list[str]]:
        """The lines that its hook has reported, split into words."""
        return [line.split("\t") for line in self._report.read_text().splitlines()] if self._report.exists() else []

    @property
    def regions(self) -> list[Region]:
        """The regions in its tracks, in their order."""
        return [
            Region(track, name, kind, int(place), int(start), int(frames), [Path(path) for path in sources])
            for word, track, name, kind, place, start, frames, *sources in (
                line for line in self.lines() if len(line) > 7
            )
            if word == "region"
        ]

    @property
    def by_hand(self) -> list[Imported]:
        """The tracks that the file of notes became."""
        return [Imported(line[1], Path(line[2])) for line in self.lines() if line[0] == "notes"]

    @property
    def tempo_bpm(self) -> float:
        """The tempo at the session's start, after that file was imported with its own; in quarter notes per minute."""
        return next(float(line[1]) for line in self.lines() if line[0] == "tempo")

    @property
    def messages(self) -> list[str]:
        """The messages that the actions showed to the user."""
        return [line[1] for line in self.lines() if line[0] == "message"]


@contextmanager
def showing(
    folder: Path, clips: Sequence[Clip], tempo_bpm: float, notes: Path, url: str, environment: Mapping[str, str]
) -> Iterator[Window]:
    """Ardour with a new session in `folder` that processes `clips`, then `notes`; the bridge listens at `url`."""
    actions = folder / "actions"
    actions.mkdir()
    for script in ACTIONS.iterdir():
        text = script.read_text(encoding="utf-8").replace("osc.udp://127.0.0.1:9720", url)
        (actions / script.name).write_text(text, encoding="utf-8")
    with _screen(folder) as display:
        for start in range(STARTS):  # on a busy machine it sometimes crashes while it starts
            place = folder / f"start {start}"
            place.mkdir()
            places = {"HOME": str(place), "XDG_CONFIG_HOME": str(place / "config"), "DISPLAY": display}
            plan = _plan(actions, clips, tempo_bpm, notes, place / "report")
            with _running(place, plan, {**os.environ, **environment, **places}) as window:
                if window is not None and window.has_begun():
                    yield window
                    return
    raise AssertionError(f"Ardour did not start {STARTS} times: {folder}")


@contextmanager
def _running(place: Path, plan: str, environment: Mapping[str, str]) -> Iterator[Window | None]:
    """None if not even a session could be created."""
    session, report, log = place / "session", place / "report", place / "log"
    made = subprocess.run(
        [PROGRAM, str(NEW_SESSION), str(session), str(SAMPLE_RATE_HZ)],
        env=environment, capture_output=True, text=True, timeout=START_SECONDS, check=False,
    )  # fmt: skip
    if "> made" not in made.stdout:
        yield None
        return
    config = place / "config" / "ardour7"
    config.mkdir(parents=True, exist_ok=True)
    (config / ".a7").touch()  # skips the dialogs of a first start
    (config / "config").write_text(CONFIG)
    (config / "ui_scripts").write_text(_hooks(plan + HOOK.read_text()))
    with log.open("w") as output:
        command = ["ardour", "--no-announcements", "--no-splash", "--disable-plugins", str(session / "session.ardour")]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=place)
        try:
            yield Window(process, session, report, log)
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    """A virtual X server; yields its display."""
    reading, writing = os.pipe()
    with (folder / "screen.log").open("w") as log:
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
        process = subprocess.Popen(command, pass_fds=[writing], stdout=log, stderr=log)
    os.close(writing)
    try:
        with os.fdopen(reading) as output:
            yield f":{output.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def _plan(actions: Path, clips: Sequence[Clip], tempo_bpm: float, notes: Path, report: Path) -> str:
    rows = ", ".join(f"{{ path = '{clip.path}', place = {clip.place}, cut = {clip.cut} }}" for clip in clips)
    return (
        f"local plan = {{ separate = '{actions}/source_audio_bridge_take_apart.lua', "
        f"import = '{actions}/source_audio_bridge_import.lua', clips = {{ {rows} }}, tempo = {tempo_bpm}, "
        f"notes = '{notes}', report = '{report}' }}\n"
    )


def _hooks(script: str) -> str:
    """Ardour's file of scripts, with one hook in it; Ardour runs Lua code that creates the tables of its scripts."""
    quoted = "".join(f"\\{byte:03}" for byte in script.encode())
    hook = f's = {{}} s["n"] = "musician" s["s"] = "{quoted}" s["f"] = "{quoted}" s["a"] = {{}}'
    return HOOKS.format(
        none=base64.b64encode(b"scripts = {}").decode(), signals="1" * 64, hook=base64.b64encode(hook.encode()).decode()
    )
