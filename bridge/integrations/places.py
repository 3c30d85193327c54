"""The folders in which DAWs look for scripts and devices, on each system."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.integrations.live_library import find_library

#: The supported versions: 7 changed the type of positions in Ardour's Lua.
ARDOUR_VERSIONS = (9, 8, 7)
#: Where the Ardour of Flathub has its XDG_CONFIG_HOME, whatever that is outside.
ARDOUR_FLATPAK = Path(".var", "app", "org.ardour.Ardour", "config")


def ardour_scripts(home: Path, environment: Mapping[str, str], platform: str = sys.platform) -> list[Path]:
    """The script folders of every Ardour that has been started here, newest first; those from Flatpak last."""
    if platform == "darwin":
        configurations = [home / "Library" / "Preferences" / f"Ardour{version}" for version in ARDOUR_VERSIONS]
    elif platform == "win32":
        local = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
        configurations = [local / f"ardour{version}" for version in ARDOUR_VERSIONS]
    else:
        settings = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        configurations = [
            parent / f"ardour{version}" for parent in (settings, home / ARDOUR_FLATPAK) for version in ARDOUR_VERSIONS
        ]
    return [folder / "scripts" for folder in configurations if folder.is_dir()]


def reaper_scripts(home: Path, environment: Mapping[str, str], platform: str = sys.platform) -> list[Path]:
    """The script folder in REAPER's resource path."""
    if platform == "darwin":
        resources = home / "Library" / "Application Support" / "REAPER"
    elif platform == "win32":
        resources = Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "REAPER"
    else:
        resources = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "REAPER"
    return [resources / "Scripts"] if resources.is_dir() else []


def live_devices(home: Path, environment: Mapping[str, str], platform: str = sys.platform) -> list[Path]:
    """The folder for Max audio effects in Live's User Library."""
    library = find_library(home, environment, platform).library
    return [] if library is None else [live_devices_in(library)]


def live_remarks(home: Path, environment: Mapping[str, str], platform: str = sys.platform) -> Sequence[str]:
    """What Live has noted about its User Library and cannot be used, in words."""
    return find_library(home, environment, platform).remarks


def live_devices_in(folder: Path) -> Path:
    """The folder for Max audio effects in a User Library that the user has named; or the named one, if it is that."""
    devices = Path("Presets", "Audio Effects", "Max Audio Effect")
    return folder if folder.name == devices.name else folder / devices
