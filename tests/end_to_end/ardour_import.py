"""Ardour's own importer, which only its window has: on a screen in memory, with the engine that plays to nobody.

An action script is put where Ardour keeps those of its user, and started by OSC; it imports and saves.
"""

from __future__ import annotations

import base64
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pythonosc.osc_message_builder import build_msg

NEEDED = ("ardour", "ardour7-lua", "Xvfb")
OSC_PORT = 3819
START_SECONDS, END_SECONDS = 45.0, 20.0

CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="check-announcements" value="0"/>
    <Option name="discover-plugins-on-start" value="0"/>
  </Config>
  <ControlProtocols><Protocol name="Open Sound Control (OSC)" active="1"/></ControlProtocols>
</Ardour>
"""
NEW_SESSION = """
AudioEngine:set_backend ("None (Dummy)", "", "")
AudioEngine:start (false)
assert (create_session (os.getenv ("SESSION_DIR"), "song", 48000)):save_state ("")
close_session ()
quit ()
"""
IMPORT = """
local done = false
return function ()
  if done then return end
  local files = C.StringVector ()
  files:push_back ("%s")
  Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
    ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoUse,
    Temporal.timepos_t (0), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
  done = true
  Session:save_state ("")
end
"""


def missing() -> list[str]:
    """What of it is not installed here."""
    return [program for program in NEEDED if shutil.which(program) is None]


def imported(folder: Path, midi: Path) -> Path:
    """Imports a MIDI file into a new session below `folder`; returns the session's folder.

    Raises:
        TimeoutError: Ardour did not get there.
    """
    session = folder / "session"
    home = folder / "home"
    settings = home / ".config" / "ardour7"
    settings.mkdir(parents=True)
    (settings / ".a7").touch()  # not the first time that it is started
    (settings / "config").write_text(CONFIG)
    script = f'scripts = {{}} scripts[1] = {{ ["n"]="import", ["s"]="x", ["f"]=[==[{IMPORT % midi}]==], ["a"]={{}} }}'
    packed = base64.b64encode(script.encode()).decode()
    (settings / "ui_scripts").write_text(
        f'<UIScripts><ActionScript lua="Lua 5.3.5">{packed}</ActionScript></UIScripts>'
    )
    (folder / "new.lua").write_text(NEW_SESSION)
    environment = {
        **os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "SESSION_DIR": str(session), "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    command = ["ardour7-lua", str(folder / "new.lua")]
    with (folder / "ardour.log").open("w") as log:
        subprocess.run(command, env=environment, stdout=log, stderr=log, timeout=START_SECONDS, check=True)
        saved = session / "song.ardour"
        saved.write_text(re.sub("<EngineHints[^>]*/>", "", saved.read_text()))  # no question whether that is still here
        with _screen() as display, _running(session, {**environment, "DISPLAY": display}, log.fileno()) as ardour:
            pointer = _Pointer(display)
            _until(lambda: _is_taken(OSC_PORT) or pointer.chose_the_silent_engine(), ardour)
            _until(lambda: _asked_to_import(session), ardour)
    return session


@contextmanager
def _screen() -> Iterator[str]:
    """An X server without a screen; gives its display."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24"]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        server.terminate()
        server.wait(END_SECONDS)


@contextmanager
def _running(session: Path, environment: Mapping[str, str], log: int) -> Iterator[subprocess.Popen[bytes]]:
    command = ["ardour", "-n", str(session / "song.ardour")]
    ardour = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield ardour
    finally:
        os.killpg(ardour.pid, signal.SIGTERM)
        try:
            ardour.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(ardour.pid, signal.SIGKILL)
            ardour.wait()


class _Pointer:
    """A mouse on a display: the question which engine to start can be answered by hand only."""

    def __init__(self, display: str) -> None:
        self._x = ctypes.CDLL("libX11.so.6")
        self._test = ctypes.CDLL("libXtst.so.6")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))

    def chose_the_silent_engine(self) -> bool:
        """Opens the list of engines, takes `None (Dummy)`, presses Start; never true, since nobody can tell."""
        for x, y in ((648, 309), (630, 353), (860, 611)):
            self._test.XTestFakeMotionEvent(self._display, -1, x, y, 0)
            self._test.XTestFakeButtonEvent(self._display, 1, 1, 0)
            self._test.XTestFakeButtonEvent(self._display, 1, 0, 0)
            self._x.XSync(self._display, 0)
            time.sleep(1.5)  # a menu takes its time
        return False


def _asked_to_import(session: Path) -> bool:
    """Asks; whether the session that was saved last has regions. The script does its work once."""
    if "<Region " in (session / "song.ardour").read_text():
        return True
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        message = build_msg("/access_action", ["LuaAction/script-1"])
        sender.sendto(message.dgram, ("127.0.0.1", OSC_PORT))
    time.sleep(1.0)  # it answers nothing
    return False


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return True
    return False


def _until(happened: Callable[[], bool], ardour: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        if time.monotonic() > deadline or ardour.poll() is not None:
            raise TimeoutError("Ardour has not imported the file")
        time.sleep(0.2)  # it tells nobody what it does
