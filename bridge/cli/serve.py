"""`sab serve` and `sab tui`: the server for the DAW, without and with a screen."""

from __future__ import annotations

import datetime
import functools

from bridge.app import open_bridge
from bridge.cli import shared
from bridge.cli.job_options import Given, takes
from bridge.cli.logs import log_into
from bridge.cli.output import terminal
from bridge.events import (
    Ended,
    Event,
    GroupEnded,
    MidiEnded,
    MidiReady,
    MidiStarted,
    MidiWaiting,
    Noticed,
    Produced,
    Started,
    Submitted,
    Warned,
)


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
    log_into(settings.own_folder)
    async with shared.interruption() as interrupted, open_bridge(settings) as running:
        running.bridge.subscribe(_log)
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

    settings = shared.settings_from(
        **options, host=host, port=port, no_midi=no_midi, http_port=http_port, no_http=no_http, announce=announce,
        state_dir=state_dir, models_dir=models_dir, secret_file=secret_file, allow=allow, trust_pickles=trust_pickles,
    )  # fmt: skip
    log_into(settings.own_folder)
    run(functools.partial(open_bridge, settings))


def _log(event: Event) -> None:
    line = _event_text(event)
    if line:
        now = datetime.datetime.now().astimezone().strftime("%H:%M:%S")
        terminal.write_report(f"{now} {line}")


def _event_text(event: Event) -> str:
    match event:
        case Submitted(job=job, name=name, request=request, position=position):
            return f"{job}: {name}" if not position else f"{job}: {name} ({request.group.name}, {position})"
        case GroupEnded(name=name, done=done, failed=failed, cancelled=cancelled):
            return f"{name}: {done} done, {failed} failed, {cancelled} cancelled"
        case Started(job=job, engine=engine, device=device) if device:
            return f"{job}: {engine} on {device}"
        case Produced(job=job, result=result):
            return f"{job}: {result.path}"
        case Warned(job=job, warning=warning):
            return f"{job}: {warning.code}: {warning.message}"
        case Ended(job=job, outcome=outcome, failure=failure):
            return f"{job}: {outcome}" if failure is None else f"{job}: {failure.code}: {failure.message}"
        case MidiReady(status=status):
            ports = ", ".join(port.name for port in status.ports)
            return f"MIDI: {status.backend}, {ports}" if ports else f"MIDI: {status.message}"
        case MidiStarted(job=job, stem=stem, notes=notes):
            return f"{job}: playing {notes} notes of {stem}"
        case MidiWaiting(job=job, stem=stem, sync=sync):
            return f"{job}: {stem} waits for the DAW to roll ({sync})"
        case MidiEnded(job=job, stem=stem, outcome=outcome, lateness=late):
            figures = "" if late is None else f", late by {late.words}"
            return f"{job}: playing {stem} {outcome}{figures}"
        case Noticed(message=message):
            return message
        case _:
            return ""
