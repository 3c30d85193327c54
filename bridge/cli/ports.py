"""`sab ports`: the MIDI ports that the bridge opens on this machine, or why there are none, and their lateness."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable

from bridge import PROTOCOL_VERSION
from bridge.cli import shared
from bridge.cli.output.terminal import write_json, write_line
from bridge.config import Settings
from bridge.errors import BridgeError
from bridge.events import Event
from bridge.midi.client import MidiPlayer
from bridge.midi.lateness_log import MeasuredLateness, read_lateness
from bridge.midi.ports.jack_identity import name_of
from bridge.midi.ports.jack_probe import JackProbe
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.rtmidi_ports import CLIENT_NAME, ON_JACK, answering_backends, full_names
from bridge.midi.sync.jack_transport import jack_period_ns
from bridge.model import MidiStatus, Port
from bridge.osc.access.keys import keys_for
from bridge.osc.addresses import STATUS_REPLY
from bridge.osc.client import open_client
from bridge.osc.fields import arguments_of
from bridge.pipe.client import facts_of
from bridge.stems import STEMS
from bridge.value import Value
from bridge.wording import BACKEND_WORDS


class PortsReport(Value, frozen=True, kw_only=True):
    """The state of the ports."""

    backends: dict[str, bool]
    """Each back-end that this installation supports, and whether it answers."""
    status: MidiStatus
    full_names: dict[str, str]
    """The ports' names → their names in other programs."""
    is_running: bool
    """True: a running bridge has these ports open; False: they were opened only for this report."""
    playbacks: tuple[MeasuredLateness, ...]
    """The last playbacks, oldest first."""


@shared.command
async def ports(json: shared.Json = False, port: shared.Port = None, state_dir: shared.StateDir = None) -> int:
    """Show the MIDI ports that your DAW can record from, and how late the last notes were."""
    report = await inspect_ports(shared.settings_from(port=port, state_dir=state_dir))
    if json:
        write_json(report)
    else:
        for line in report_lines(report):
            write_line(line)
    return shared.DONE


async def inspect_ports(settings: Settings) -> PortsReport:
    """Queries the bridge that runs on the settings' port; without one, opens the ports for a moment.

    Raises:
        EngineFailed: the player does not start.
    """
    layout = PortLayout.of(settings)
    status = await _running_status(settings, layout)
    is_running = status is not None
    async with contextlib.AsyncExitStack() as stack:
        if status is None:
            player = await stack.enter_async_context(open_player(settings, is_guest=True))
            status = await player.wait_ready()
        names = {port.name for port in status.ports}
        on_jack = status.backend in ON_JACK
        name = (name_of(layout.folder) if is_running and on_jack else None) or CLIENT_NAME
        return PortsReport(
            backends=await asyncio.to_thread(_backends),
            status=status,
            full_names=await asyncio.to_thread(full_names, status.backend, names, None, name) if names else {},
            is_running=is_running,
            playbacks=tuple(read_lateness(settings.own_folder)),
        )


@contextlib.asynccontextmanager
async def open_player(
    settings: Settings, publish: Callable[[Event], None] = lambda _: None, *, is_guest: bool = False
) -> AsyncIterator[MidiPlayer]:
    """A player with the ports that the settings describe; a guest's client has a different name."""
    player = MidiPlayer(publish, PortLayout.of(settings, is_guest=is_guest))
    await player.start()
    try:
        yield player
    finally:
        await player.close()


def report_lines(report: PortsReport) -> list[str]:
    """The report for a person."""
    lines = [f"{BACKEND_WORDS[name]}: {'answers' if up else 'does not answer'}" for name, up in report.backends.items()]
    status = report.status
    if status.backend == "none":
        lines += [f"No MIDI ports: {status.message}", "Stems and MIDI files are written all the same."]
    else:
        lines.append(f"Ports on {BACKEND_WORDS.get(status.backend, status.backend)}:")
        lines += [_port_line(port, report.full_names.get(port.name, "")) for port in status.ports]
        if status.sync_port:
            lines.append(f"  {status.sync_port:<14} receives your DAW's MIDI clock, for sync clock")
        if status.message:
            lines.append(status.message)
        lines.append(
            "A bridge runs and has them open; record from them with Monitor off."
            if report.is_running
            else "They are open while `sab` or `sab serve` runs; record from them with Monitor off."
        )
    if report.playbacks:
        lines.append("The last notes were late by (99 % by less than, the worst by):")
        lines += [_lateness_line(measured) for measured in report.playbacks]
    return lines


def _port_line(port: Port, full_name: str) -> str:
    channel = f", channel {port.channel}" if port.channel else ""
    other = f"  in other programs: {full_name}" if full_name not in ("", port.name) else ""
    return f"  {port.name:<14} the notes of {port.stem}{channel}{other}"


def _lateness_line(measured: MeasuredLateness) -> str:
    at = datetime.datetime.fromtimestamp(measured.unix_seconds).astimezone().strftime("%Y-%m-%d %H:%M")
    figures = measured.figures
    return (
        f"  {at}  {measured.stem:<8} {figures.p99_ms:.2f} ms, {figures.worst_ms:.2f} ms in {figures.messages} messages"
    )


def _backends() -> dict[str, bool]:
    """Skips JACK if its server hangs: RtMidi would wait for it without releasing the interpreter lock."""
    try:
        return answering_backends(hanging=("jack",) if JackProbe(jack_period_ns).hangs() else ())
    except ImportError:  # the player's status reports it
        return {}


async def is_running(settings: Settings) -> bool:
    """Whether a bridge on the settings' port answers and has MIDI ports open."""
    return await _running_status(settings, PortLayout.of(settings)) is not None


async def _running_status(settings: Settings, layout: PortLayout) -> MidiStatus | None:
    """The ports of the running bridge; None if none answers, or it has no ports.

    Over OSC, for one that is not asked through its folder, a bridge reports only its back-end; the names are then from
    our own settings, which it most likely shares.
    """
    if settings.port == 0:
        return None
    with contextlib.suppress(BridgeError):  # of another version or account
        if (facts := await facts_of(settings.own_folder)) is not None:
            return facts.status.midi if facts.status.midi.backend != "none" else None
    try:
        async with open_client(settings.host, settings.port, keys_for(settings)) as client:
            client.send("/sab/hello", "sab ports", PROTOCOL_VERSION)
            (answer,) = await client.ask("/sab/status", answer_seconds=1.0)
    except BridgeError:
        return None
    backend = str(arguments_of(answer, STATUS_REPLY)["midi_backend"])
    if backend == "none":
        return None
    channels = {stem: layout.channel(stem) for stem in STEMS}
    opened = tuple(
        Port(stem=stem, name=layout.name(stem), channel=None if (channel := channels[stem]) is None else channel + 1)
        for stem in STEMS
    )
    return MidiStatus(backend=backend, ports=opened)
