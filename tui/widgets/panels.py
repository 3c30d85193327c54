"""The panels that show one piece of text: the header, the MIDI ports, a job's details, the welcome."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from bridge.model import Job, MidiStatus
from tui.render.details import details, hint
from tui.render.roles import PLAIN, Palette
from tui.render.status import header_line, ports_panel, welcome
from tui.state import ViewState


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
    """The details of one job, or a hint without one; as high as its text."""

    palette: reactive[Palette] = reactive(PLAIN)
    job: reactive[Job | None] = reactive(None)

    def watch_job(self) -> None:
        if self.get_content_height(self.size, self.size, self.size.width) != self.size.height:
            self.refresh(layout=True)  # progress alone, ten times a second, needs no new layout

    def render(self) -> Text:
        return self._text(self.size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 – Textual's signature
        return self._text(width).plain.count("\n") + 1

    def _text(self, width: int) -> Text:
        return hint(width, self.palette) if self.job is None else details(self.job, width, self.palette)


class JobDetails(VerticalScroll):
    """Scrolls `JobText`; a newly selected job is shown from the top."""

    job: reactive[Job | None] = reactive(None)
    palette: reactive[Palette] = reactive(PLAIN)

    def compose(self) -> ComposeResult:
        yield JobText().data_bind(JobDetails.job, JobDetails.palette)

    def watch_job(self, old: Job | None, new: Job | None) -> None:
        if old is not None and new is not None and old.id != new.id:
            self.scroll_home(animate=False)


class Welcome(Widget):
    """The first steps, shown while there are no jobs."""

    palette: reactive[Palette] = reactive(PLAIN)
    address: reactive[str] = reactive("")

    def render(self) -> Text:
        return welcome(self.address, self.palette)
