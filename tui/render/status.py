"""The header line, the MIDI panel, and the welcome of an empty screen."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from bridge.connections.pace import queue_end_seconds
from bridge.model import MidiStatus
from bridge.units import clock_text
from bridge.wording import BACKEND_WORDS, WORKER_WORDS
from tui.render.fit import fit
from tui.render.job import PLAYING_MARK
from tui.render.roles import Palette
from tui.state import ViewState

TITLE = "Source Audio Bridge"


def header_line(state: ViewState, address: str, width: int, palette: Palette) -> Text:
    """Name on the left, address in the middle, engine on the right; a narrow screen drops the name first.

    Then the address: with digits cut off, or with the first number of jobs beside its last digit, it is another one.
    """
    worker = WORKER_WORDS.get(state.worker or "starting", state.worker)
    if state.worker in ("ready", "busy") and (counts := queue_text(state)):
        worker = counts
    worker_style = {"ready": palette.good, "busy": palette.accent, "down": palette.bad, "gone": palette.bad}.get(
        state.worker, palette.muted
    )
    attached = "attached" if state.is_attached else ""
    farm = "on the farm" if state.computing == "farm" else ""
    words = (attached, state.engine, state.device, farm)
    known = (word for word in words if word != "auto")  # until the first job decides
    facts = " · ".join(filter(None, known))
    left = Text(" ♪ ", style=palette.accent).append(TITLE, f"bold {palette.text}".strip())
    right = Text(f"{facts} · " if facts else "", style=palette.muted).append(worker, worker_style).append(" ")
    room = width - left.cell_len - right.cell_len
    if room < cell_len(address) + 2:
        left, room = Text(" ♪ ", style=palette.accent), width - 3 - right.cell_len
    line = left.append(_centred(address if room > cell_len(address) else "", room), palette.muted).append_text(right)
    line.no_wrap = True
    line.truncate(width, overflow="ellipsis")
    return line


def queue_text(state: ViewState) -> str:
    """`1 running, 99 waiting, about 1:48`; empty while nothing runs or waits."""
    running = sum(job.state == "running" for job in state.unfinished)
    waiting = len(state.unfinished) - running
    counts = [f"{running} running"] * bool(running) + [f"{waiting} waiting"] * bool(waiting)
    left = queue_end_seconds(tuple(state.jobs.values())) if counts else None
    return ", ".join([*counts, f"about {clock_text(left)}"] if left is not None else counts)


def ports_panel(midi: MidiStatus, playing: frozenset[str], width: int, palette: Palette) -> Text:
    """The ports with ♪ beside each stem in `playing`; without ports, the reason and the alternative."""
    if not midi.ports:
        text = Text(
            midi.message or "No MIDI ports are open yet.", style=palette.warning if midi.message else palette.muted
        )
        return text.append("\n\nNotes still go to .mid files beside the stems.", palette.muted)
    text = Text(f"{BACKEND_WORDS.get(midi.backend, midi.backend)}\n", style=palette.muted)
    longest = max(cell_len(port.stem) for port in midi.ports)
    for port in midi.ports:
        sounding = port.stem in playing
        text.append(f"{PLAYING_MARK if sounding else '·'} ", palette.accent if sounding else palette.muted)
        text.append(fit(port.stem, longest), palette.accent if sounding else palette.text)
        text.append("  ").append(fit(port.name, max(4, width - longest - 4)).rstrip(), palette.muted).append("\n")
    text.rstrip()
    return text


def welcome(address: str, palette: Palette) -> Text:
    """The first steps, shown while there are no jobs."""
    text = Text(justify="center", style=palette.muted)
    if not address:
        return text.append("Starting …")
    text.append("Nothing here yet.\n", palette.text)
    text.append("Press ").append("a", f"bold {palette.accent}".strip()).append(
        " to add a song, or drop one onto this window.\n"
    )
    text.append("From a DAW, send ").append("/sab/submit", palette.accent).append(" with the path of a clip to\n")
    return text.append(address, palette.text)


def _centred(text: str, cells: int) -> str:
    return fit(fit(" " * max(0, (cells - cell_len(text)) // 2) + text, cells), cells)
