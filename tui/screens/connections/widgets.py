"""The parts of the screen Connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from rich.text import Text
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from bridge.connections.values import Connections
from bridge.model import MidiStatus, Status
from tui.render.roles import PLAIN, Palette
from tui.screens.connections.drawing import (
    client_at,
    client_rows,
    daw_line,
    machine_rows,
    place_words,
    port_rows,
    wire_row,
)
from tui.screens.connections.wire_log import WireLog
from tui.widgets.lines import Lines
from tui.widgets.plain_text import set_border_title

NO_STATUS = Status(queued=0, running=0, engine="", device="", midi=MidiStatus(), worker="starting")


class ClientsView(Lines):
    """The OSC clients and HTTP readers, who was active last first."""

    @dataclass
    class Chosen(Message):
        """A client was clicked."""

        words: str
        """Its name, or its address if it has none."""

    connections: reactive[Connections] = reactive(Connections, repaint=False)
    address: reactive[str] = reactive("")

    def __init__(self) -> None:
        self._rows: list[Text] = []
        super().__init__()

    def watch_connections(self) -> None:
        self._lay_out()

    def watch_palette(self) -> None:
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self._rows = client_rows(self.connections, self.address, self.scrollable_content_region.width, self.palette)
        self.virtual_size = Size(0, len(self._rows))
        self.refresh()

    def on_click(self, event: Click) -> None:
        place = event.get_content_offset(self)
        client = None if place is None else client_at(self.connections, self.scroll_offset.y + place.y)
        if client is not None:
            self.post_message(self.Chosen(client.name or place_words(client.host, client.port)))

    def line(self, y: int, width: int) -> Text | None:  # noqa: ARG002 – laid out for this width
        row = self.scroll_offset.y + y
        return self._rows[row] if row < len(self._rows) else None


class WireView(Lines):
    """The messages as they pass; follows the newest unless the user has scrolled up."""

    def __init__(self, log: WireLog, zone: tzinfo | None) -> None:
        super().__init__()
        self._log = log
        self._zone = zone
        self._following = True

    def on_mount(self) -> None:
        self.show()

    def show(self) -> None:
        """Draws the messages that are shown now."""
        log = self._log
        self.virtual_size = Size(0, len(log.shown))
        notes = [f"only “{log.filter}”"] if log.filter else []
        notes += [f"paused, {log.waiting} new"] if log.is_paused else []
        set_border_title(self, " · ".join(("Wire", *notes)))
        self.refresh()
        if self._following:
            self.scroll_end(animate=False, x_axis=False, force=True)

    def line(self, y: int, width: int) -> Text | None:
        row = self.scroll_offset.y + y
        shown = self._log.shown
        if row < len(shown):
            return wire_row(shown[row], width, self.palette, self._zone)
        return Text("Nothing has passed since this screen is open.", self.palette.muted) if row == 0 else None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = self.is_vertical_scroll_end


class DawLine(Widget):
    """Where the DAW is."""

    palette: reactive[Palette] = reactive(PLAIN)
    connections: reactive[Connections] = reactive(Connections)
    status: reactive[Status] = reactive(NO_STATUS)

    def render(self) -> Text:
        return daw_line(self.connections, self.status, self.size.width, self.palette)


class PortsActivity(Widget):
    """The MIDI ports; a mark beside each blinks with its notes."""

    palette: reactive[Palette] = reactive(PLAIN)
    connections: reactive[Connections] = reactive(Connections)
    status: reactive[Status] = reactive(NO_STATUS)
    newly: reactive[frozenset[str]] = reactive(frozenset())

    def watch_connections(self, before: Connections, now: Connections) -> None:
        counts = {port.stem: port.notes for port in before.player.ports}
        self.newly = frozenset(port.stem for port in now.player.ports if port.notes > counts.get(port.stem, port.notes))

    def render(self) -> Text:
        ports = {port.stem: port for port in self.connections.player.ports}
        return port_rows(self.status.midi, ports, self.newly, self.size.width, self.palette)


class MachineBox(Widget):
    """Device, memory, load, queue and drives."""

    palette: reactive[Palette] = reactive(PLAIN)
    connections: reactive[Connections] = reactive(Connections)
    status: reactive[Status] = reactive(NO_STATUS)

    def render(self) -> Text:
        return machine_rows(self.connections, self.status, self.size.width, self.palette)
