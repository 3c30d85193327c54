"""The panels that show one piece of text: the header, the MIDI ports, a job's details."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from bridge.groups.group import Group
from bridge.model import MidiStatus
from tui.peaks import Peaks
from tui.render.details import details, hint
from tui.render.group import group_details
from tui.render.roles import PLAIN, Palette
from tui.render.status import header_line, ports_panel
from tui.state import LiveView, TableRow, ViewState


class HeaderLine(Widget):
    """One line: the program's name, the address for clients, the state of the engine."""

    palette: reactive[Palette] = reactive(PLAIN)
    state: reactive[ViewState] = reactive(ViewState)
    address: reactive[str] = reactive("")

    def render(self) -> Text:
        return header_line(self.state, self.address, self.size.width, self.palette)


class PortsPanel(Widget):
    """The MIDI ports, with ♪ beside each that is playing."""

    palette: reactive[Palette] = reactive(PLAIN)
    midi: reactive[MidiStatus] = reactive(MidiStatus)
    playing: reactive[frozenset[str]] = reactive(frozenset())
    """The stems that are playing."""

    def render(self) -> Text:
        return ports_panel(self.midi, self.playing, self.size.width, self.palette)


class JobText(Widget):
    """The details of one job or group, or a hint without one; as high as its text."""

    palette: reactive[Palette] = reactive(PLAIN)
    row: reactive[TableRow | None] = reactive(None)
    is_open: reactive[bool] = reactive(False)
    live: reactive[LiveView | None] = reactive(None)
    peaks: reactive[Peaks] = reactive(dict)

    def watch_row(self) -> None:
        self._fit_height()

    def watch_live(self) -> None:
        self._fit_height()

    def watch_peaks(self) -> None:
        self._fit_height()

    def _fit_height(self) -> None:
        if self.get_content_height(self.size, self.size, self.size.width) != self.size.height:
            self.refresh(layout=True)  # progress alone, ten times a second, needs no new layout

    def render(self) -> Text:
        return self._text(self.size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 – Textual's signature
        return self._text(width).plain.count("\n") + 1

    def _text(self, width: int) -> Text:
        if self.row is None:
            return hint(width, self.palette)
        if isinstance(self.row, Group):
            return group_details(self.row, width, self.palette, is_open=self.is_open)
        return details(self.row, width, self.palette, self.live, self.peaks)


class JobDetails(VerticalScroll):
    """Scrolls `JobText`; a newly selected row is shown from the top."""

    row: reactive[TableRow | None] = reactive(None)
    is_open: reactive[bool] = reactive(False)
    """Whether the clips of the selected group are shown in the table."""
    live: reactive[LiveView | None] = reactive(None)
    peaks: reactive[Peaks] = reactive(dict)
    """Of the selected job's stems, while they grow."""
    palette: reactive[Palette] = reactive(PLAIN)

    def compose(self) -> ComposeResult:
        yield JobText().data_bind(
            JobDetails.row, JobDetails.is_open, JobDetails.live, JobDetails.peaks, JobDetails.palette
        )

    def watch_row(self, old: TableRow | None, new: TableRow | None) -> None:
        if old is not None and new is not None and old.id != new.id:
            self.scroll_home(animate=False)
