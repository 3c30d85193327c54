"""The screen itself: asks the bridge four times a second while it is open, and passes on what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import tzinfo
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Unmount
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from bridge.connections.values import Connections
from bridge.errors import BridgeError
from bridge.model import Status
from bridge.protocols import Bridge, Clock
from tui.boundary import only_bridge_errors
from tui.keys import CONNECTIONS, bindings
from tui.render.roles import PLAIN, Palette
from tui.screens.connections.widgets import (
    NO_STATUS,
    ClientsView,
    DawLine,
    MachineBox,
    PortsActivity,
    WireView,
)
from tui.screens.connections.wire_log import WireLog, save_wire, wire_lines
from tui.widgets.key_bar import KeyBar
from tui.widgets.plain_text import set_border_subtitle, set_border_title

#: How often the bridge is asked, and how often new messages of the wire are drawn.
LOOK_SECONDS, WIRE_SECONDS = 0.25, 0.1


class ConnectionsScreen(Screen[None]):
    """Who talks to the bridge; escape closes it. `wire_log` keeps its messages from one opening to the next."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 – Textual declares it as it is
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-tall")]  # noqa: RUF012

    TITLE = "Connections"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONNECTIONS)]

    DEFAULT_CSS = """
    ConnectionsScreen {
        DawLine { height: 1; }
        #body { height: 1fr; layout: vertical; }
        #facts { height: 9; layout: horizontal; }
        PortsActivity { width: 37; height: 1fr; }
        MachineBox { width: 1fr; height: 1fr; }
        #talk { height: 1fr; }
        ClientsView { height: 1fr; min-height: 3; scrollbar-gutter: stable; }
        WireView { height: 2fr; min-height: 4; scrollbar-gutter: stable; }
        #filter { display: none; height: 1; border: none; }
        &.-filtering #filter { display: block; }
        &.-low #facts { display: none; }
        &.-wide {
            #facts { dock: right; width: 44; height: 1fr; layout: vertical; }
            PortsActivity { width: 1fr; height: 10; }
        }
    }
    """

    connections: reactive[Connections] = reactive(Connections)
    status: reactive[Status] = reactive(NO_STATUS)
    palette: reactive[Palette] = reactive(PLAIN)

    def __init__(
        self,
        bridge: Bridge,
        address: str,
        wire_log: WireLog,
        palette: Callable[[], Palette],
        clock: Clock,
        zone: tzinfo | None,
    ) -> None:
        super().__init__()
        self._bridge = bridge
        self._address = address
        self._log = wire_log
        self._clock = clock
        self._zone = zone
        self._is_looking = False
        self._palette_now = palette
        self.set_reactive(ConnectionsScreen.palette, palette())

    def compose(self) -> ComposeResult:
        here = ConnectionsScreen
        yield DawLine().data_bind(here.palette, here.connections, here.status)
        with Container(id="body"):
            with Container(id="facts"):
                yield PortsActivity().data_bind(here.palette, here.connections, here.status)
                yield MachineBox().data_bind(here.palette, here.connections, here.status)
            with Container(id="talk"):
                clients = ClientsView()
                clients.address = self._address
                yield clients.data_bind(here.palette, here.connections)
                yield WireView(self._log, self._zone).data_bind(here.palette)
                yield Input(placeholder="a client, an address, a word", id="filter")
        yield KeyBar()

    def on_mount(self) -> None:
        titles: dict[type[Widget], str] = {ClientsView: "Clients", PortsActivity: "MIDI", MachineBox: "Machine"}
        for widget, title in titles.items():
            set_border_title(self.query_one(widget), title)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._recolour())
        self._end_watching = self._bridge.watch_wire(self._log.put)
        self.set_interval(WIRE_SECONDS, self.show_wire)
        self.set_interval(LOOK_SECONDS, self._look)
        self.query_one(WireView).focus()
        self._look()

    def on_unmount(self, event: Unmount) -> None:  # noqa: ARG002 – Textual's signature
        self._end_watching()

    def _recolour(self) -> None:
        self.palette = self._palette_now()

    def on_clients_view_chosen(self, message: ClientsView.Chosen) -> None:
        """Shows only the messages of a client that was clicked; escape shows all again."""
        self._log.look_for(message.words)
        self.query_one(WireView).show()

    def _look(self) -> None:
        if not self._is_looking:
            self._is_looking = True
            self.run_worker(self.look(), group="connections")

    async def look(self) -> None:
        """Asks the bridge once, and shows what it says."""
        try:
            with only_bridge_errors():
                self.connections = await self._bridge.connections()
                self.status = self._bridge.status()
        except BridgeError as error:  # a bridge that is attached to may go away; the next look may succeed
            set_border_subtitle(self.query_one(WireView), error.code)
        finally:
            self._is_looking = False

    def show_wire(self) -> None:
        """Draws the messages that have arrived."""
        if self._log.take() or self._log.is_paused:
            self.query_one(WireView).show()

    def action_filter(self) -> None:
        self.add_class("-filtering")
        field = self.query_one("#filter", Input)
        field.value = self._log.filter
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._log.look_for(event.value)
        self.query_one(WireView).show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._end_filtering()

    def action_close(self) -> None:
        """Takes the filter away first, then closes the screen."""
        if self.has_class("-filtering") or self._log.filter:
            self.query_one("#filter", Input).value = ""
            self._log.look_for("")
            self._end_filtering()
        else:
            self.dismiss()

    def _end_filtering(self) -> None:
        self.remove_class("-filtering")
        wire = self.query_one(WireView)
        wire.focus()
        wire.show()

    def action_pause(self) -> None:
        self._log.is_paused = not self._log.is_paused
        self._log.take()
        self.query_one(WireView).show()

    def action_save(self) -> None:
        if self._log.shown:
            self.run_worker(self._save(), group="save")
        else:
            self.app.notify("Nothing to save: no message is shown.")

    async def _save(self) -> None:
        text = wire_lines(self._log.shown, self._zone)
        try:
            path = await asyncio.to_thread(save_wire, text, self._clock.unix_seconds(), self._zone)
        except OSError as error:
            reason = error.strerror or str(error)
            self.app.notify(f"The wire could not be saved: {reason}.", severity="error")
        else:
            self.app.notify(str(path), title="Saved")
