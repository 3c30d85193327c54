"""The main screen: header, jobs, the selected job's details, MIDI ports, log, keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Paste
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from bridge.model import Job
from tui.paths import paths_in
from tui.render.roles import PLAIN, Palette
from tui.state import ViewState, jobs_in_order
from tui.widgets.jobs_table import JobsTable
from tui.widgets.log_view import LogView
from tui.widgets.panels import HeaderLine, JobDetails, PortsPanel, Welcome
from tui.widgets.plain_text import set_border_title


class MainScreen(Screen[None]):
    """Passes each widget the parts of `state` and `palette` that it shows."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 – Textual declares it as it is
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012

    DEFAULT_CSS = """
    MainScreen {
        layout: vertical;
        HeaderLine { height: 1; }
        JobsTable, Welcome { height: 1fr; }
        #middle { height: 8; }
        JobDetails { width: 1fr; margin-right: 1; scrollbar-gutter: stable; }
        JobText { height: auto; }
        PortsPanel { width: 30; height: 1fr; }
        LogView { height: 5; scrollbar-gutter: stable; }
        Welcome { display: none; }
        &.-empty { JobsTable { display: none; } Welcome { display: block; } }
        &.-tall { #middle { height: 13; } LogView { height: 10; } }
        &.-wide { PortsPanel { width: 40; } }
    }
    """

    @dataclass
    class Dropped(Message):
        """Files were dropped onto the terminal, which pasted their paths."""

        paths: tuple[str, ...]

    state: reactive[ViewState] = reactive(ViewState)
    palette: reactive[Palette] = reactive(PLAIN)
    address: reactive[str] = reactive("")

    def __init__(self, zone: tzinfo | None) -> None:
        super().__init__()
        self._zone = zone
        self._key_facts: tuple[object, ...] | None = None  # the facts that decide which keys are greyed out

    def compose(self) -> ComposeResult:
        palette, address = MainScreen.palette, MainScreen.address
        yield HeaderLine().data_bind(palette, address, MainScreen.state)
        yield Welcome().data_bind(palette, address)
        yield JobsTable().data_bind(palette)
        with Horizontal(id="middle"):
            yield JobDetails().data_bind(palette)
            yield PortsPanel().data_bind(palette)
        yield LogView(self._zone).data_bind(palette)
        yield Footer()

    def on_mount(self) -> None:
        titles: dict[type[Widget], str] = {
            JobsTable: "Jobs",
            Welcome: "Jobs",
            JobDetails: "Details",
            PortsPanel: "MIDI",
            LogView: "Log",
        }
        for widget, title in titles.items():
            set_border_title(self.query_one(widget), title)
        self._show(self.state)

    @property
    def selected(self) -> Job | None:
        """The job that the keys act on."""
        return self.state.jobs.get(self.query_one(JobsTable).selected) if self.is_mounted else None

    def select(self, job: str) -> None:
        """Moves the selection to a job that is in the table."""
        self.query_one(JobsTable).selected = job

    def watch_state(self, state: ViewState) -> None:
        if self.is_mounted:
            self._show(state)

    def on_jobs_table_selected(self) -> None:
        self._show_selected()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if paths := paths_in(event.text):
            self.post_message(self.Dropped(paths))

    def _show(self, state: ViewState) -> None:
        self.set_class(not state.jobs, "-empty")
        table, ports = self.query_one(JobsTable), self.query_one(PortsPanel)
        table.playing = frozenset(job for job, _ in state.playing)
        table.armed = frozenset(job for job, _ in state.armed)
        table.jobs = jobs_in_order(state)
        ports.midi, ports.playing = state.midi, frozenset(stem for _, stem in state.playing)
        self._show_selected()
        self.query_one(LogView).show(state.log, state.lines_logged)

    def _show_selected(self) -> None:
        job = self.query_one(JobDetails).job = self.selected
        key_facts = None if job is None else (job.is_over, tuple(result.kind for result in job.results))
        if key_facts != self._key_facts:  # redrawing the footer costs more than everything else here
            self._key_facts = key_facts
            self.refresh_bindings()
