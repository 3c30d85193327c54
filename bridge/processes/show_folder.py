"""Shows a folder in the system's own window: Explorer, Finder, or the file manager of a Linux desktop.

No shell takes part, and nothing is started from the folder: Windows gets the verb that only folders have, and macOS is
asked to show a file rather than to open it, because opening a folder that is called `.app` there starts a program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.errors import EngineFailed, NotFound, unresponsive_drive
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

#: A file manager may stay in the foreground of the program that opens it: after this time the folder counts as shown.
SHOWN_SECONDS = 4.0
_OPENERS = ("xdg-open", "gio")


async def show_folder(folder: str, files: Sequence[str] = ()) -> None:
    """Shows `folder`; where the system can mark a file in it, the first of `files` that is there.

    Raises:
        NotFound: there is no such folder.
        NotReadable: its drive does not answer.
        EngineFailed: the system has no window for it, or refuses.
    """
    try:
        shown = await off_loop(lambda: _existing(folder, files), timeout_seconds=ANSWER_SECONDS)
    except TimeoutError:
        raise unresponsive_drive(folder) from None
    try:
        if sys.platform == "win32":
            # "explore" is a verb of folders alone: a program of that name would not be started.
            await off_loop(lambda: os.startfile(folder, "explore"), timeout_seconds=SHOWN_SECONDS)  # noqa: S606
        else:
            command = command_for(folder, shown, sys.platform, os.environ)
            await off_loop(lambda: _run(command), timeout_seconds=SHOWN_SECONDS)
    except TimeoutError:
        return
    except (OSError, subprocess.CalledProcessError) as error:
        raise _cannot_show(folder, f"{getattr(error, 'strerror', None) or error}") from error


def command_for(folder: str, shown: str, platform: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The command that shows `folder` on macOS or a Linux desktop; `shown` is a file in it, or the folder itself.

    Raises:
        EngineFailed: there is no desktop, or it has no program for it.
    """
    if platform == "darwin":
        return ("/usr/bin/open", "-R", shown)
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        raise _cannot_show(folder, "the bridge runs without a desktop")
    for name in _OPENERS:
        if found := shutil.which(name, path=environment.get("PATH")):
            return (found, "open", folder) if name == "gio" else (found, folder)
    raise _cannot_show(folder, "this desktop has no xdg-open")


def _existing(folder: str, files: Sequence[str]) -> str:
    """The first of `files` that lies in `folder` and exists; else `folder`. Raises NotFound."""
    path = Path(folder)
    try:
        # Absolute, so that no name can be taken for an option.
        if not path.is_absolute() or not path.is_dir():
            raise NotFound(f"The folder {folder} is not there any more.")
        return next((file for file in files if Path(file).parent == path and Path(file).is_file()), folder)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise NotFound(f"The folder {folder} cannot be looked at: {error}.") from error


def _run(command: Sequence[str]) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, check=True)  # noqa: S603


def _cannot_show(folder: str, reason: str) -> EngineFailed:
    return EngineFailed(f"The folder cannot be shown: {reason}.", advice=f"It is {folder}")
