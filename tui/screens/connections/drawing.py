"""What the screen Connections shows, as text: pure functions of values and a width."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from rich.text import Text

from bridge.connections.values import ClientSeen, Connections, DawPosition, HttpReader, PortActivity, WireMessage
from bridge.model import MidiStatus, Status
from bridge.plain import plain
from bridge.units import clock_text
from bridge.wording import BACKEND_WORDS, WORKER_WORDS
from tui.render.fit import fit
from tui.render.roles import Palette

#: Listeners accept a jitter of 1–1.5 ms (ICMC 2004).
AUDIBLE_MS = 1.5
#: What each sync source is called.
SOURCE_WORDS = {"clock": "MIDI clock", "jack": "JACK", "link": "Link"}
#: A drive with less has no room for the raw stems of a long song.
LITTLE_FREE_BYTES = 2_000_000_000
IN, OUT, SOUNDING, STILL = "▸", "◂", "♪", "·"


def size_words(size_bytes: float) -> str:
    """`1.2 GB`, `340 MB`: in powers of 1000, as drives are sold."""
    for unit, divisor in (("TB", 1e12), ("GB", 1e9)):
        if size_bytes >= divisor:
            return f"{size_bytes / divisor:.1f} {unit}"
    return f"{size_bytes / 1e6:.0f} MB"


def age_words(seconds: float | None) -> str:
    """`now`, `12 s`, `4 min`, `3 h`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "now"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def place_words(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def client_rows(connections: Connections, address: str, width: int, palette: Palette) -> list[Text]:
    """A row for each client and reader, and one below it for its last refusal; a hint if there are none."""
    rows: list[Text] = []
    for client in connections.clients:
        rows.append(_client_row(client, width, palette))
        if client.last_refusal:
            rows.append(Text(fit(f"   {client.refused} refused: {client.last_refusal}", width), palette.warning))
    rows += [_reader_row(reader, width, palette) for reader in connections.readers]
    if not rows:
        words = "Nobody has sent anything yet."
        rows = [Text(fit(words, width), palette.text), Text(fit(f"A DAW or controller sends to {address}", width))]
        rows[1].stylize(palette.muted or "none")
    for row in rows:
        row.no_wrap = True
    return rows


def client_at(connections: Connections, row: int) -> ClientSeen | None:
    """The client whose row, or whose refusal's row, of `client_rows` this is."""
    for client in connections.clients:
        row -= 2 if client.last_refusal else 1
        if row < 0:
            return client
    return None


def _client_row(client: ClientSeen, width: int, palette: Palette) -> Text:
    text = Text(f"{'●' if client.is_subscribed else '○'} ", palette.good if client.is_subscribed else palette.muted)
    place = place_words(client.host, client.port)
    text.append(f"{fit(client.name or 'no name', 13)} ", palette.text if client.name else palette.muted)
    text.append(f"{fit(place, 17)} ", palette.muted)
    room = max(8, (width - text.cell_len - 2) // 2)
    came = f"{IN}{client.received} {client.last_in.removeprefix('/sab')} {age_words(client.last_in_age_seconds)}"
    went = f"{OUT}{client.sent} {client.last_out.removeprefix('/sab')} {age_words(client.last_out_age_seconds)}"
    is_new = client.last_in_age_seconds is not None and client.last_in_age_seconds < 1
    text.append(fit(came, room), palette.accent if is_new else palette.text).append(" ")
    return text.append(fit(went if client.sent else "", max(0, width - text.cell_len)), palette.muted)


def _reader_row(reader: HttpReader, width: int, palette: Palette) -> Text:
    words = f"{reader.agent or 'no name'}  {reader.host}  {IN}{reader.requests} {reader.last_path}"
    refused = f"  {reader.refused} refused" if reader.refused else ""
    line = fit(f"⇣ HTTP {words} {age_words(reader.last_age_seconds)}{refused}", width)
    return Text(line, palette.warning if refused else palette.muted)


def wire_row(message: WireMessage, width: int, palette: Palette, zone: tzinfo | None) -> Text:
    """Time, direction, the other end, address and arguments of one message; its verdict in front of the arguments."""
    time = f"{datetime.fromtimestamp(message.unix_seconds, zone):%H:%M:%S}"
    text = Text(f"{time} ", style=palette.muted, no_wrap=True, end="")
    text.append(f"{OUT if message.is_out else IN} ", palette.muted if message.is_out else palette.accent)
    text.append(f"{fit(message.client or message.place, 15)} ", palette.muted)
    text.append(plain(message.address) or "not OSC", palette.text)
    if message.verdict:
        text.append(f" {plain(message.verdict)}", palette.bad)
    if message.left_out:
        text.append(f" ({message.left_out} more before it)", palette.warning)
    if message.arguments:
        text.append(f" {plain(message.arguments)}", palette.muted)
    text.truncate(width, overflow="ellipsis")
    return text


def daw_line(connections: Connections, status: Status, width: int, palette: Palette) -> Text:
    """Where each DAW that is heard is: tempo, bar and beat, and whether it rolls."""
    text = Text(" ", no_wrap=True)
    for daw in connections.player.daws:
        text.append(SOURCE_WORDS.get(daw.source, daw.source), palette.text)
        text.append(" rolls" if daw.is_rolling else " stands", palette.accent if daw.is_rolling else palette.muted)
        text.append(f"{_place_in_song(daw)}   ", palette.text if daw.is_rolling else palette.muted)
    if not connections.player.daws:
        port = status.midi.sync_port
        hint = (
            f"No DAW is heard. Send its MIDI clock to {port}, or follow JACK or Link." if port else "No DAW is heard."
        )
        text.append(hint, palette.muted)
    text.truncate(width, overflow="ellipsis")
    return text


def _place_in_song(daw: DawPosition) -> str:
    if not daw.is_rolling:
        return ""
    if (place := daw.bar_and_beat) is None or daw.tempo_bpm is None:
        return f" {clock_text(daw.position)}, no tempo"
    return f" {daw.tempo_bpm:.1f} BPM  bar {place[0]}.{place[1]}"


def port_rows(
    midi: MidiStatus,
    ports: Mapping[str, PortActivity],
    newly: frozenset[str],
    width: int,
    palette: Palette,
) -> Text:
    """The ports, each with its notes and lateness; `newly` are the stems with a note since the last look."""
    if not midi.ports:
        return Text(midi.message or "No MIDI ports are open yet.", palette.warning if midi.message else palette.muted)
    text = Text(f"{BACKEND_WORDS.get(midi.backend, midi.backend)}\n", palette.muted)
    names = max(len(port.stem) for port in midi.ports)
    for port in midi.ports:
        activity = ports.get(port.stem, PortActivity(stem=port.stem))
        is_live = port.stem in newly or activity.sounding > 0
        row = Text(f"{SOUNDING if is_live else STILL} ", palette.accent if is_live else palette.muted, no_wrap=True)
        row.append(f"{fit(port.stem, names)} ", palette.accent if is_live else palette.text)
        row.append(f"{activity.notes:>5} notes", palette.text if activity.notes else palette.muted)
        if activity.is_hanging:
            row.append("  hanging", palette.bad)
        elif (late := activity.lateness) is not None:
            style = palette.warning if late.p99_ms > AUDIBLE_MS else palette.good
            row.append(f"  {late.p50_ms:.1f} ms ≤ {late.worst_ms:.1f}", style)
        elif activity.last_note_age_seconds is not None:
            row.append(f"  {age_words(activity.last_note_age_seconds)} ago", palette.muted)
        row.truncate(width, overflow="ellipsis")
        text.append_text(row).append("\n")
    text.rstrip()
    return text


def machine_rows(connections: Connections, status: Status, width: int, palette: Palette) -> Text:
    """Device, memory, load, queue and drives, a line each."""
    machine = connections.machine
    facts = Text(no_wrap=True)

    def row(name: str, words: str, style: str = "") -> None:
        line = Text(f"{fit(name, 7)} ", palette.muted).append(words, style or palette.text)
        line.truncate(width, overflow="ellipsis")
        facts.append_text(line).append("\n")

    device = " · ".join(word for word in (status.device, status.engine) if word)
    row("device", f"{device or 'none yet'} · {WORKER_WORDS.get(status.worker, status.worker)}")
    row("queue", queue_words(connections), palette.accent if connections.running else "")
    resident = machine.resident_bytes
    if resident:
        of_worker = f"worker {size_words(resident['worker'])}, " if "worker" in resident else ""
        row("memory", f"{of_worker}all {size_words(sum(resident.values()))}")
        row("free", f"{size_words(machine.memory_free_bytes)} of {size_words(machine.memory_bytes)}")
    if machine.cpu_share is not None:
        row("load", f"{machine.cpu_share:.0%} of {machine.cores} cores".replace("%", " %"))
    for drive in machine.drives:
        is_little = drive.free_bytes < LITTLE_FREE_BYTES
        row(drive.role, f"{size_words(drive.free_bytes)} free", palette.warning if is_little else "")
    facts.rstrip()
    return facts


def queue_words(connections: Connections) -> str:
    """`1 running, 99 waiting, about 1:48`."""
    if not connections.queued + connections.running:
        return "empty"
    counts = ((connections.running, "running"), (connections.queued, "waiting"))
    words = ", ".join(f"{count} {word}" for count, word in counts if count)
    end = connections.queue_end_seconds
    return words if end is None else f"{words}, about {clock_text(end)}"
