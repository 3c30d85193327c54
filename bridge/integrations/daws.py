"""The supported DAWs: which files are installed, where, and the next step in the DAW."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bridge.errors import NotFound
from bridge.integrations import places
from bridge.system import sockets
from bridge.system.own_program import own_program

#: The bridge's address as written in the scripts; installing replaces it.
ARDOUR_URL = "osc.udp://127.0.0.1:9720"
#: The settings of REAPER's scripts, the only file that differs between computers.
REAPER_SETTINGS = "source_audio_bridge_settings.lua"
DEVICE = "Source Audio Bridge.amxd"
#: The folder that contains both this package and the device's generator.
_SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class BridgeAddress:
    """How DAWs on this computer reach the bridge."""

    host: str
    """The host that the bridge listens on."""
    port: int
    command: Sequence[str]
    """The command that starts `sab`, with absolute paths: a DAW may have another PATH."""


@dataclass(frozen=True)
class Daw:
    """One supported DAW."""

    name: str
    folders: Callable[[Path, Mapping[str, str]], list[Path]]
    """(home, environment) → the folders for its files; empty if the DAW is not installed."""
    files: Callable[[], Sequence[str]]
    """The names of its files."""
    contents: Callable[[BridgeAddress], dict[str, bytes]]
    """File names → contents; raises NotFound if this installation lacks them."""
    next_step: str
    """What to do in the DAW afterwards."""
    remarks: Callable[[Path, Mapping[str, str]], Sequence[str]] = lambda _home, _environment: ()
    """(home, environment) → what was found while looking for the folders and cannot be used."""
    folder_in: Callable[[Path], Path] | None = None
    """A folder that the user names → the one for the files; None: such a folder is of no use."""
    advice: str = ""
    """What to do if no folder is found; "": start the DAW once."""


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
    scripts = {name: text.encode() for name, text in _scripts("reaper").items()}
    return {**scripts, REAPER_SETTINGS: settings.encode()}


def _live(_: BridgeAddress) -> dict[str, bytes]:
    """Builds the device in another process, because the bridge itself does not import the generator."""
    with tempfile.TemporaryDirectory() as folder:
        command = own_program("max_for_live.generator", folder)
        built = subprocess.run(command, capture_output=True, text=True, cwd=_SOURCE, check=False)  # noqa: S603 - our own
        device = Path(folder) / "frozen" / DEVICE
        if built.returncode or not device.is_file():
            reason = (
                built.stderr.strip().splitlines() or built.stdout.strip().splitlines() or ["no device was written"]
            )[-1]
            raise NotFound(f"The Max for Live device could not be built: {reason}", advice="Install the bridge again.")
        return {DEVICE: device.read_bytes()}


def _ardour_files() -> Sequence[str]:
    return [*_scripts("ardour")]


def _reaper_files() -> Sequence[str]:
    return [*_scripts("reaper"), REAPER_SETTINGS]


def _live_files() -> Sequence[str]:
    return [DEVICE]


def _scripts(folder: str) -> dict[str, str]:
    scripts = (files("bridge.integrations") / folder).iterdir()
    return {script.name: script.read_text(encoding="utf-8") for script in scripts if script.name.endswith(".lua")}


def lua_text(text: str) -> str:
    """A string as a Lua literal; all but plain characters are escaped as bytes."""
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
        "In REAPER: Actions → Show action list → New action → Load ReaScript, choose the scripts that end in "
        "take_apart, karaoke and import.",
    ),
    "live": Daw(
        "Ableton Live",
        places.live_devices,
        _live_files,
        _live,
        "In Live: User Library → Presets → Audio Effects → Max Audio Effect, drag it onto the clip's track.",
        remarks=places.live_remarks,
        folder_in=places.live_devices_in,
        advice="Start Live once, or name its User Library: sab install live FOLDER (right-click it in Live's browser).",
    ),
}
"""By the name on the command line."""
