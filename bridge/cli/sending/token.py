"""`sab token`: what programs say over HTTP so that the bridge works for them."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli import shared
from bridge.cli.output.terminal import write_json, write_line, write_note
from bridge.errors import NotWritable
from bridge.osc.access.keys import account_token, new_account_token
from bridge.osc.access.proofs import http_token
from bridge.system import sockets

New = Annotated[
    bool, typer.Option("--new", help="Make a new one; programs that have the old one are refused from now on.")
]
JsonValue = Annotated[bool, typer.Option("--json", help="Print JSON: the token, and the address to use it at.")]


@shared.guarded
def show_token(
    json: JsonValue = False,
    new: New = False,
    port: shared.Port = None,
    http_port: shared.HttpPort = None,
    state_dir: shared.StateDir = None,
) -> None:
    """Print the token for HTTP; send it in the header `Authorization: Bearer TOKEN`."""
    settings = shared.settings_from(port=port, http_port=http_port, state_dir=state_dir)
    try:
        key = new_account_token(settings.state_dir) if new else account_token(settings.state_dir)
    except OSError:
        key = None
    if key is None:
        raise NotWritable(
            f"The token of this account cannot be written to {settings.state_dir}.",
            advice="Change that folder's permissions, or set state_dir to another one.",
        )
    token = http_token(key)
    if json:
        number = settings.port if settings.http_port is None else settings.http_port
        write_json({"token": token, "address": sockets.url("http", sockets.local_host(settings.host), number)})
        return
    write_line(token)
    if new:
        write_note("Passes for programs of this computer, from `sab secret pass 127.0.0.1`, are new too.")
