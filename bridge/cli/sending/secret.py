"""`sab secret`: the secret that other computers need to ask the bridge for something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import shared
from bridge.cli.output.terminal import write_line, write_note, write_path
from bridge.config import Settings, default_secret_file
from bridge.errors import BadArguments, NotWritable
from bridge.osc.access.keys import account_token, new_secret, read_secret
from bridge.osc.access.networks import networks
from bridge.osc.access.proofs import pass_for
from bridge.system import sockets

app = typer.Typer(help="The secret that other computers need: make one, see where it lies, make a pass from it.")


@app.callback(invoke_without_command=True)
def secret_default(context: typer.Context) -> None:
    """The secret that other computers need: make one, see where it lies, make a pass from it."""
    if context.invoked_subcommand is None:
        print_secret_path()


@app.command("new")
@shared.guarded
def make_secret(secret_file: shared.SecretFile = None) -> None:
    """Make a secret, in a file that only you may read."""
    path = secret_file or default_secret_file()
    try:
        new_secret(path)
    except OSError as error:
        raise NotWritable(
            f"The secret {path} cannot be written: {error.strerror}.", advice="Name another file with --secret-file."
        ) from error
    write_path(path)
    write_note("Copy this file to each computer that may use the bridge, in a way that nobody else can read.")


@app.command("path")
@shared.guarded
def print_secret_path(secret_file: shared.SecretFile = None) -> None:
    """Print where the secret lies."""
    write_path(_path(shared.settings_from(secret_file=secret_file)))


@app.command("pass")
@shared.guarded
def print_pass(
    address: Annotated[str, typer.Argument(help="The address of the other computer or tablet, as 192.168.1.20.")],
    secret_file: shared.SecretFile = None,
) -> None:
    """Print a pass for a program that cannot use the secret itself, such as TouchOSC or a Max patch."""
    try:
        (network,) = networks([address])
    except ValueError:
        network = None
    if network is None or network.num_addresses != 1:
        raise BadArguments(f"A pass is for one address, as 192.168.1.20, not {address!r}.")
    settings, host = shared.settings_from(secret_file=secret_file), str(network.network_address)
    is_here = sockets.is_loopback(host)
    key = account_token(settings.state_dir) if is_here else read_secret(_path(settings))
    if key is None:
        raise NotWritable(
            f"The token of this account cannot be written to {settings.state_dir}.",
            advice="Change that folder's permissions, or set state_dir to another one.",
        )
    write_line(pass_for(key, host))


def _path(settings: Settings) -> Path:
    return settings.secret_file or default_secret_file()
