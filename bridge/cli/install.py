"""`sab install`: puts the scripts for Ardour and REAPER, and the device for Live, into the folders of those DAWs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import shared
from bridge.cli.completion import one_of_these
from bridge.cli.output.terminal import ask, write_line, write_note
from bridge.errors import BadArguments, NotFound
from bridge.integrations.daws import DAWS, BridgeAddress, Daw
from bridge.integrations.install import InstalledFile, InstallRecord, Step, install, installed, plan, remove
from bridge.options.readers import listed
from bridge.system.own_program import own_sab

RECORD = "installed.json"
WORDS: dict[Step, str] = {
    "new": "write  ",
    "update": "update ",
    "same": "is here",
    "changed": "CHANGED",
}

Which = Annotated[
    str,
    typer.Argument(metavar="DAW", help="ardour, reaper or live.", autocompletion=one_of_these(lambda: DAWS)),
]
Where = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FOLDER]",
        help="live only: Live's User Library, where it is not found; or its folder Max Audio Effect.",
        show_default=False,
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask; overwrite or remove even files that you have changed.")
]
Remove = Annotated[bool, typer.Option("--remove", help="Remove what was installed.")]


@shared.guarded
def install_into(
    which: Which,
    where: Where = None,
    yes: Yes = False,
    take_out: Remove = False,
    host: shared.Host = None,
    port: shared.Port = None,
    state_dir: shared.StateDir = None,
) -> None:
    """Put the bridge's scripts or device into a DAW. Shows what it will write, and asks first."""
    settings = shared.settings_from(host=host, port=port, state_dir=state_dir)
    daw = DAWS.get(which.lower())
    if daw is None:
        raise BadArguments(f"There is nothing for {which!r}; there is something for {listed(DAWS)}.")
    record = InstallRecord(settings.state_dir / RECORD)
    folders = _folders(daw, where)
    if take_out:
        files = installed(folders, record)
        if _agreed(files, "remove ", yes):
            remove(files, record)
        return
    here = BridgeAddress(settings.host, settings.port, own_sab())
    contents = daw.contents(here)
    files = plan({folder / name: content for folder in folders for name, content in contents.items()}, record)
    if _agreed(files, "", yes):
        install(files, record)
        write_line(daw.next_step)


def _folders(daw: Daw, named: Path | None) -> list[Path]:
    if named is not None:
        if daw.folder_in is None:
            raise BadArguments(f"{daw.name} has one place for scripts; no other folder can be named.")
        if not named.is_dir():
            raise NotFound(f"There is no folder {named}.")
        return [daw.folder_in(named.absolute())]
    folders = daw.folders(Path.home(), os.environ)
    for remark in daw.remarks(Path.home(), os.environ):
        write_note(remark)
    if not folders:
        raise NotFound(
            f"{daw.name} was not found here.", advice=daw.advice or f"Start {daw.name} once, then try again."
        )
    return folders


def _agreed(files: list[InstalledFile], word: str, yes: bool) -> bool:
    """Shows the files, and asks before anything changes, including files that the user has changed.

    Raises:
        BadArguments: standard input is not a terminal.
    """
    for file in files:
        write_line(f"{WORDS['changed'] if file.step == 'changed' else word or WORDS[file.step]} {file.path}")
    if not files or (not word and all(file.step == "same" for file in files)):
        write_line("Nothing to do.")
        return not word and bool(files)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise BadArguments("Nothing was changed: there is no terminal to ask on.", advice="Say --yes.")
    if any(file.step == "changed" for file in files):
        question = "You have changed the files marked CHANGED; your changes will be lost. Go on?"
    else:
        question = "Go on?"
    return ask(question)
