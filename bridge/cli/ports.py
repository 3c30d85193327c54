"""`sab ports`: the MIDI ports that the bridge opens on this machine, or why it opens none."""

from __future__ import annotations

import msgspec
import typer

from bridge.cli import shared
from bridge.events import Event
from bridge.midi.client import MidiPlayer
from bridge.model import MidiStatus

BACKEND_NAMES = {
    "jack": "JACK",
    "alsa": "ALSA",
    "coremidi": "Core MIDI",
    "winmm": "Windows MIDI",
}


@shared.command
async def ports(json: shared.Json = False) -> int:
    """Show the MIDI ports that your DAW can record from."""
    status = await midi_status()
    if json:
        typer.echo(msgspec.json.encode(status).decode())
    elif status.backend == "none":
        typer.echo(f"No MIDI ports: {status.message}")
        typer.echo("Stems and MIDI files are written all the same.")
    else:
        typer.echo(f"Back-end: {BACKEND_NAMES.get(status.backend, status.backend)}")
        for port in status.ports:
            typer.echo(f"  {port.name:<14} the notes of {port.stem}")
        if status.sync_port:
            typer.echo(f"  {status.sync_port:<14} hears your DAW's MIDI clock, for sync clock")
        typer.echo("They are open while `sab` or `sab serve` runs; record from them with Monitor off.")
    return shared.DONE


async def midi_status() -> MidiStatus:
    """Opens the ports for a moment to see what becomes of it.

    Raises:
        EngineFailed: the player does not start.
    """

    def ignore(event: Event) -> None:
        del event

    player = MidiPlayer(ignore)
    await player.start()
    try:
        return await player.wait_ready()
    finally:
        await player.close()
