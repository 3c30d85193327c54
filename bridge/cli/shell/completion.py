"""`sab completion`: lets Tab complete commands, options and their values in bash, zsh, fish and PowerShell."""

from __future__ import annotations

from typing import Annotated

import typer
from typer._completion_shared import _get_shell_name, get_completion_script, install

from bridge.cli import shared
from bridge.cli.completion import one_of_these
from bridge.cli.output.terminal import write_block, write_line
from bridge.errors import BadArguments, NotWritable
from bridge.options.readers import one_of

SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
_PROGRAM, _VARIABLE = "sab", "_SAB_COMPLETE"

Shell = Annotated[
    str | None,
    typer.Argument(
        help="bash, zsh, fish, powershell or pwsh; left out: the one that this runs in.",
        autocompletion=one_of_these(lambda: SHELLS),
    ),
]

app = typer.Typer(help="Let Tab complete commands, options, stems, engines and other values.", no_args_is_help=True)


@app.command("install")
@shared.guarded
def install_completion(shell: Shell = None) -> None:
    """Install it for your shell; it works in the next terminal."""
    wanted = _shell(shell)
    try:
        _, path = install(shell=wanted, prog_name=_PROGRAM, complete_var=_VARIABLE)
    except OSError as error:
        raise NotWritable(f"The completion for {wanted} cannot be installed: {error}.") from error
    write_line(f"Tab completes sab in the next {wanted}; the script is in {path}.")


@app.command("show")
@shared.guarded
def show_completion(shell: Shell = None) -> None:
    """Print the script, to put it where your shell looks for it."""
    script = get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=_shell(shell))
    write_block(script.splitlines())


def _shell(named: str | None) -> str:
    """The shell of that name, or the one that this runs in.

    Raises:
        BadArguments: it is none of `SHELLS`, or cannot be told.
    """
    found = named or _get_shell_name()
    if found is None:
        raise BadArguments("Which shell this is cannot be told.", advice=f"Name it: {', '.join(SHELLS)}.")
    return one_of("shell", found, SHELLS)
