"""The DAWs that something is installed into: what it is, where it goes, and how it is found in the DAW."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bridge.errors import NotFound
from bridge.integrations import places
from bridge.system import sockets

#: What stands in the scripts for the bridge's address.
ARDOUR_URL = "osc.udp://127.0.0.1:9720"
#: REAPER's settings, the only file there that differs from one computer to the next.
REAPER_SETTINGS = "source_audio_bridge_settings.lua"
DEVICE = "Source Audio Bridge.amxd"
#: Where this package and the device's generator lie side by side.
_SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class BridgeAddress:
    """What the files must know about this computer."""

    host: str
    """What the bridge listens on."""
    port: int
    command: Sequence[str]
    """What starts `sab`, with whole paths: a DAW has its own idea of PATH."""


@dataclass(frozen=True)
class Daw:
    """One DAW that the bridge has something for."""

    name: str
    folders: Callable[[Path, Mapping[str, str]], list[Path]]
    """(home, environment) → where its files go; none where the DAW is not here."""
    files: Callable[[], Sequence[str]]
    """The names of its files."""
    contents: Callable[[BridgeAddress], dict[str, bytes]]
    """File names → what is in them; raises NotFound where this installation lacks them."""
    next_step: str
    """What to do in the DAW afterwards."""


def _ardour(here: BridgeAddress) -> dict[str, bytes]:
    url = sockets.url("osc.udp", sockets.local_host(here.host), here.port)
    return {name: text.replace(ARDOUR_URL, url).encode() for name, text in _scripts("ardour").items()}


def _reaper(here: BridgeAddress) -> dict[str, bytes]:
    command = ", ".join(lua_text(word) for word in (*here.command, "submit"))
    options = ", ".join(lua_text(word) for word in ("--host", sockets.local_host(here.host), "--port", str(here.port)))
    settings = (
        "-- How REAPER's scripts start the bridge's command; `sab install reaper` has written it.\n"
        f"return {{ command = {{ {command} }}, options = {{ {options} }} }}\n"
    )
    found = {name: text.encode() for name, text in _scripts("reaper").items()}
    return {**found, REAPER_SETTINGS: settings.encode()}


def _live(_: BridgeAddress) -> dict[str, bytes]:
    """Built for the occasion by a process of its own: nothing of the bridge needs the generator."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "max_for_live.generator", folder]
        built = subprocess.run(command, capture_output=True, text=True, cwd=_SOURCE, check=False)  # noqa: S603 - our own
        device = Path(folder) / "frozen" / DEVICE
        if built.returncode or not device.is_file():
            reason = (built.stderr.strip().splitlines() or built.stdout.strip().splitlines() or ["no device came"])[-1]
            raise NotFound(f"The Max for Live device could not be built: {reason}", advice="Install the bridge again.")
        return {DEVICE: device.read_bytes()}


def _ardour_files() -> Sequence[str]:
    return [*_scripts("ardour")]


def _reaper_files() -> Sequence[str]:
    return [*_scripts("reaper"), REAPER_SETTINGS]


def _live_files() -> Sequence[str]:
    return [DEVICE]


def _scripts(folder: str) -> dict[str, str]:
    found = (files("bridge.integrations") / folder).iterdir()
    return {script.name: script.read_text(encoding="utf-8") for script in found if script.name.endswith(".lua")}


def lua_text(text: str) -> str:
    """A string as Lua's source has it; every other sign than plain ones as its bytes."""
    return '"' + "".join(chr(b) if b in _PLAIN else f"\\{b:03}" for b in text.encode()) + '"'


_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_./:()")

DAWS: dict[str, Daw] = {
    "ardour": Daw(
        "Ardour",
        places.ardour_scripts,
        _ardour_files,
        _ardour,
        "In Ardour: Edit → Lua Scripts → Script Manager, put both scripts into a free action slot each.",
    ),
    "reaper": Daw(
        "REAPER",
        places.reaper_scripts,
        _reaper_files,
        _reaper,
        "In REAPER: Actions → Show action list → New action → Load ReaScript, choose both scripts.",
    ),
    "live": Daw(
        "Ableton Live",
        places.live_devices,
        _live_files,
        _live,
        "In Live: User Library → Presets → Audio Effects → Max Audio Effect, drag it onto the clip's track.",
    ),
}
"""By the word that people type."""
