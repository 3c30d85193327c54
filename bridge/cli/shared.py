"""Shared by the commands: options, running a coroutine, and exit statuses for errors."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeAlias

import typer

from bridge.cli.completion import values_of
from bridge.cli.logs import record_fault
from bridge.cli.output.terminal import OutputClosed, write_error, write_note
from bridge.config import Settings, load_settings
from bridge.errors import BadArguments, BridgeError, OutOfMemory
from bridge.options.table import OPTIONS
from bridge.system.ending import signals_as_ctrl_c
from bridge.system.memory import is_out_of_memory

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
#: The status of a command whose reader has closed the pipe (`sab models | head -1`), as a shell reports SIGPIPE.
UNREAD = 1 if sys.platform == "win32" else 141
#: What each exit status says, for docs/command-line.md.
EXIT_STATUSES: Mapping[int, str] = {
    DONE: "Done. With `--wait`, the job is done too.",
    FAILED: "Something failed; standard error has one line with its code. `sab doctor`: something is broken.",
    USAGE: "The command line is wrong, or a value in it; nothing was done.",
    INTERRUPTED: "Ctrl-C or a signal; a job was cancelled, and complete files stay.",
    141: "Nothing reads the output any more; a job was cancelled. On Windows: 1.",
}

JOB_PANEL = "What to do"
NOTES_PANEL = "How notes are read and written"
_PLACES = "Where things are"


def option(name: str, panel: str = JOB_PANEL, *also: str) -> object:
    """The typer option for a row of the table."""
    row = OPTIONS[name]
    return typer.Option(
        f"--{name}",
        *also,
        help=row.help,
        metavar=f"[{row.words}]",
        rich_help_panel=panel,
        show_default=False,
        autocompletion=values_of(row),
    )


def switch(name: str, panel: str) -> object:
    """The same for an option that is on or off."""
    return typer.Option(f"--{name}/--no-{name}", help=OPTIONS[name].help, rich_help_panel=panel, show_default=False)


Engine: TypeAlias = Annotated[str | None, option("engine")]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON only: events as lines, the result last.", rich_help_panel=_PLACES)
]
Host: TypeAlias = Annotated[
    str | None,
    typer.Option("--host", help="The bridge's address; 127.0.0.1 is this computer.", rich_help_panel=_PLACES),
]
Port: TypeAlias = Annotated[
    int | None, typer.Option("--port", help="The bridge's OSC port, 9720 unless set.", rich_help_panel=_PLACES)
]
HttpPort: TypeAlias = Annotated[
    int | None,
    typer.Option("--http-port", help="The port for HTTP, that of --port unless set.", rich_help_panel=_PLACES),
]
NoHttp: TypeAlias = Annotated[
    bool, typer.Option("--no-http", help="Do not answer programs over HTTP.", rich_help_panel=_PLACES)
]
Announce: TypeAlias = Annotated[
    bool,
    typer.Option("--announce", help="Let other computers find the bridge; needs --host.", rich_help_panel=_PLACES),
]
StateDir: TypeAlias = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Folder for the history of jobs and the log.", rich_help_panel=_PLACES),
]
ModelsDir: TypeAlias = Annotated[
    Path | None, typer.Option("--models-dir", help="Folder with your own models.", rich_help_panel=_PLACES)
]
SecretFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--secret-file", help="The file with the secret for other computers.", rich_help_panel=_PLACES),
]
Allow: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        help="Another computer, or a network, that may use the bridge with the secret, as 192.168.1.0/24.",
        rich_help_panel=_PLACES,
    ),
]
Cluster: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="The farm that computes the jobs while it can be reached, as tls://studio:8786.",
        rich_help_panel=_PLACES,
    ),
]
TrustPickles: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--trust-pickles", help="Load your own models that may run code (.th files).", rich_help_panel=_PLACES
    ),
]
NoMidi: TypeAlias = Annotated[
    bool,
    typer.Option("--no-midi", help="Open no MIDI ports; MIDI files are written all the same.", rich_help_panel=_PLACES),
]

P = ParamSpec("P")


def settings_from(**options: object) -> Settings:
    """The settings for a command with these options (None, False: not given)."""
    given = {name: value for name, value in options.items() if value is not None and value is not False and value != []}
    return load_settings(os.environ, given)


def command(function: Callable[P, Coroutine[None, None, int]]) -> Callable[P, None]:
    """Turns a coroutine that returns an exit status into a command."""

    @guarded
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with signals_as_ctrl_c():
            status = asyncio.run(function(*args, **kwargs))
        raise typer.Exit(status)

    return run


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """Ends a command that raises a `BridgeError` with one line and its exit status."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except BridgeError as error:
            write_error(error.code, str(error))
            raise typer.Exit(USAGE if isinstance(error, BadArguments) else FAILED) from error
        except KeyboardInterrupt:
            write_note("Interrupted; files that are complete stay.")
            raise typer.Exit(INTERRUPTED) from None
        except OutputClosed:
            raise typer.Exit(UNREAD) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                write_error(OutOfMemory.code, str(OutOfMemory("There is not enough memory for this command.")))
                raise typer.Exit(FAILED) from error
            option = kwargs.get("state_dir")
            where = record_fault(error, _state_dir(option), option)
            write_error("internal", f"{type(error).__name__}: {error}. This is a bug in the bridge; {where}.")
            raise typer.Exit(FAILED) from error

    return run


def _state_dir(given: object) -> Path | None:
    """The state folder of a command with this option; None: the settings cannot be read."""
    with suppress(BridgeError):
        return settings_from(state_dir=given).state_dir
    return None
