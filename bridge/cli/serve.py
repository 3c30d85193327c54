"""`sab serve` and `sab tui`: the server for the DAW, without and with a screen."""

from __future__ import annotations

import datetime
import functools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge import __version__
from bridge.app import RunningBridge, open_bridge
from bridge.cli import shared
from bridge.cli.job_options import Given, takes
from bridge.cli.logs import log_into
from bridge.cli.output import terminal
from bridge.cli.output.event_lines import event_text, log_event
from bridge.config import Settings
from bridge.events import Event
from bridge.system.ending import interruption

log = logging.getLogger(__name__)


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
    trust_pickles: shared.TrustPickles = False,
) -> int:
    """Wait for OSC messages, without a screen. Ctrl-C ends it.

    The job options given here are the defaults of every job.
    """
    settings = shared.settings_from(
        **options, host=host, port=port, no_midi=no_midi, http_port=http_port, no_http=no_http, announce=announce,
        state_dir=state_dir, models_dir=models_dir, secret_file=secret_file, allow=allow, trust_pickles=trust_pickles,
    )  # fmt: skip
    log_into(settings.state_dir, "serve")
    async with interruption() as interrupted, _logged_bridge(settings) as running:
        running.bridge.subscribe(_report)
        terminal.write_line(f"listening on {running.address}")
        if running.http_address:
            terminal.write_report(f"Explore it at {running.http_address}")
        await interrupted.wait()
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
    trust_pickles: shared.TrustPickles = False,
) -> None:
    """Open the screen: every job with its progress, and the server that your DAW talks to. This is plain `sab`."""
    terminal.require_screen()
    from tui.app import run  # no other command loads the screen
    from tui.memory import Memory

    settings = shared.settings_from(
        **options, host=host, port=port, no_midi=no_midi, http_port=http_port, no_http=no_http, announce=announce,
        state_dir=state_dir, models_dir=models_dir, secret_file=secret_file, allow=allow, trust_pickles=trust_pickles,
    )  # fmt: skip
    log_into(settings.state_dir, "tui")
    run(functools.partial(_logged_bridge, settings), Memory(settings.state_dir))


@asynccontextmanager
async def _logged_bridge(settings: Settings) -> AsyncIterator[RunningBridge]:
    async with open_bridge(settings) as running:
        log.info("version %s runs at %s", __version__, running.address)
        running.bridge.subscribe(log_event)
        yield running
        log.info("closing")


def _report(event: Event) -> None:
    if line := event_text(event):
        now = datetime.datetime.now().astimezone().strftime("%H:%M:%S")
        terminal.write_report(f"{now} {line}")
