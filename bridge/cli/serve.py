"""`sab serve` and `sab tui`: the server for the DAW, without and with a screen."""

from __future__ import annotations

import asyncio
import datetime
import shlex
from functools import partial
from typing import Annotated

import typer

from bridge.cli import shared
from bridge.cli.attaching.background import as_arguments, go_on_in_background
from bridge.cli.attaching.opening import (
    attached_bridge,
    awaited_bridge,
    found_or_new_bridge,
    logged_bridge,
    settings_at,
)
from bridge.cli.job_options import Given, takes
from bridge.cli.logs import log_into
from bridge.cli.output import terminal
from bridge.cli.output.event_lines import event_text
from bridge.config import Settings
from bridge.errors import BadArguments
from bridge.events import Event
from bridge.pipe.client import facts_of
from bridge.system.ending import interruption
from bridge.system.garbage import leave_out_what_stays

Connect = Annotated[
    bool,
    typer.Option(
        "--connect", help="Only attach to a bridge that runs; end nothing.", rich_help_panel="Where things are"
    ),
]
Address = Annotated[
    str | None,
    typer.Argument(
        metavar="[ADDRESS]",
        help="With --connect: the bridge's port, or its address on this computer.",
        show_default=False,
    ),
]


@shared.command
@takes("serve")
async def serve(
    options: Given,
    host: shared.Host = None,
    port: shared.Port = None,
    no_midi: shared.NoMidi = False,
    http_port: shared.HttpPort = None,
    no_http: shared.NoHttp = False,
    announce: shared.Announce = False,
    state_dir: shared.StateDir = None,
    models_dir: shared.ModelsDir = None,
    secret_file: shared.SecretFile = None,
    allow: shared.Allow = None,
    cluster: shared.Cluster = None,
    trust_pickles: shared.TrustPickles = False,
) -> int:
    """Wait for OSC messages, without a screen. Ctrl-C ends it.

    The job options given here are the defaults of every job.
    """
    settings = shared.settings_from(
        **options, host=host, port=port, no_midi=no_midi, http_port=http_port, no_http=no_http, announce=announce,
        state_dir=state_dir, models_dir=models_dir, secret_file=secret_file, allow=allow, cluster=cluster,
        trust_pickles=trust_pickles,
    )  # fmt: skip
    log_into(settings.state_dir, "serve")
    async with interruption() as interrupted, logged_bridge(settings) as running:
        running.bridge.subscribe(report_event)
        terminal.write_line(f"listening on {running.address}")
        if running.http_address:
            terminal.write_report(f"Explore it at {running.http_address}")
        leave_out_what_stays()
        ends = (asyncio.create_task(interrupted.wait()), asyncio.create_task(running.until_ended()))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
    return shared.DONE


@shared.guarded
@takes("tui")
def tui(
    options: Given,
    host: shared.Host = None,
    port: shared.Port = None,
    no_midi: shared.NoMidi = False,
    http_port: shared.HttpPort = None,
    no_http: shared.NoHttp = False,
    announce: shared.Announce = False,
    state_dir: shared.StateDir = None,
    models_dir: shared.ModelsDir = None,
    secret_file: shared.SecretFile = None,
    allow: shared.Allow = None,
    cluster: shared.Cluster = None,
    trust_pickles: shared.TrustPickles = False,
    connect: Connect = False,
    address: Address = None,
) -> None:
    """Open the screen: every job with its progress, and the server that your DAW talks to. This is plain `sab`.

    If the bridge runs already, this is a further screen of it, and its settings apply.
    """
    terminal.require_screen()
    from tui.app import run  # no other command loads the screen
    from tui.host import WaysBack
    from tui.memory import Memory

    if address is not None and not connect:
        raise BadArguments(f"What is {address} for?", advice=f"Say: sab tui --connect {address}")
    given: dict[str, object] = {
        **options, "host": host, "port": port, "no_midi": no_midi or None, "http_port": http_port,
        "no_http": no_http or None, "announce": announce or None, "state_dir": state_dir, "models_dir": models_dir,
        "secret_file": secret_file, "allow": allow, "cluster": cluster, "trust_pickles": trust_pickles or None,
    }  # fmt: skip
    settings = shared.settings_from(**given)
    if connect and address is not None:
        settings = settings_at(settings, address)
        given.update(host=settings.host, port=settings.port)
    log_into(settings.state_dir, "tui")
    ways_back = WaysBack(start=partial(logged_bridge, settings), wait=partial(awaited_bridge, settings))
    open_bridge = partial(attached_bridge if connect else found_or_new_bridge, settings)
    parting = run(open_bridge, Memory(settings.state_dir), ways_back, can_leave=True)
    _farewell(parting, settings, given)


def _farewell(parting: str, settings: Settings, options: dict[str, object]) -> None:
    """Says where a bridge is that goes on without this screen; starts it in the background if that was chosen."""
    if parting == "closed":
        return
    if parting == "to be left running":
        facts = asyncio.run(go_on_in_background(settings, [*as_arguments(options)]))
    else:
        found = asyncio.run(facts_of(settings.own_folder))
        if found is None:
            return
        facts = found
    which = [*as_arguments({name: options[name] for name in ("host", "port", "state_dir")})]
    again, end = (shlex.join(["sab", *words, *which]) for words in ((), ("quit",)))
    terminal.write_line(
        f"The bridge works on in the background at {facts.address}. `{again}` shows it again, `{end}` ends it."
    )


def report_event(event: Event) -> None:
    if line := event_text(event):
        now = datetime.datetime.now().astimezone().strftime("%H:%M:%S")
        terminal.write_report(f"{now} {line}")
