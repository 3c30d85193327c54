"""The main screen: header, jobs, the selected job's details, MIDI ports, log, keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Paste
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from bridge.groups.group import Group
from bridge.model import Job
from bridge.protocols import Clock
from tui.keys import PANELS, bindings
from tui.memory import Memory
from tui.order import SORTS, Heading, TableOrder, View
from tui.paths import paths_in
from tui.peaks import JobPeaks, Peaks
from tui.render.roles import PLAIN, Palette
from tui.screens.jobs import FilterInput, JobsScreen
from tui.state import ViewState
from tui.widgets.jobs_table import JobsTable
from tui.widgets.key_bar import KeyBar
from tui.widgets.log_view import LogView
from tui.widgets.panels import HeaderLine, JobDetails, PortsPanel
from tui.widgets.plain_text import set_border_title
from tui.widgets.welcome import Welcome

#: What can have the whole screen, in the order of the key; empty: all panels share it.
GROWN = ("", "details", "log")


class MainScreen(JobsScreen):
    """Passes each widget the parts of `state` and `palette` that it shows."""

    TITLE = "Jobs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(PANELS)]
    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (72, "-narrow"), (110, "-wide"), (160, "-three")]  # noqa: RUF012 – Textual's
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (16, "-low"), (32, "-tall")]  # noqa: RUF012

    DEFAULT_CSS = """
    MainScreen {
        layout: vertical;
        HeaderLine { height: 1; dock: top; }
        JobsTable, Welcome { width: 1fr; height: 1fr; }
        #middle { height: 8; }
        JobDetails { width: 1fr; margin-right: 1; scrollbar-gutter: stable; }
        JobText { height: auto; }
        PortsPanel { width: 30; height: 1fr; }
        LogView { height: 5; scrollbar-gutter: stable; }
        Welcome { display: none; }
        &.-empty { JobsTable { display: none; } Welcome { display: block; } }
        &.-empty.-low { #middle { display: none; } }
        &.-tall { #middle { height: 13; } LogView { height: 10; } }
        &.-empty.-tall.-narrow { #middle { height: 8; } LogView { height: 5; } }
        &.-empty.-tall.-wide { #middle { height: 8; } LogView { height: 5; } }
        &.-wide { PortsPanel { width: 40; } }
        &.-one { PortsPanel { display: none; } JobDetails { margin-right: 0; } }
        &.-one.-low { #middle { height: 7; } LogView { height: 3; } }
        &.-one.-tall { #middle { height: 20; layout: vertical; } PortsPanel { display: block; width: 1fr; height: 7; } }
        &.-tiny { #middle, LogView { display: none; } }
        &.-three {
            layout: horizontal;
            JobsTable, Welcome { width: 1fr; margin-right: 1; }
            #middle { width: 26%; height: 1fr; layout: vertical; }
            PortsPanel { width: 1fr; height: 9; margin-right: 1; }
            LogView { width: 20%; height: 1fr; }
        }
        &.-grown-details {
            JobsTable, LogView, PortsPanel { display: none; }
            #middle { display: block; width: 1fr; height: 1fr; }
        }
        &.-grown-log { JobsTable, #middle { display: none; } LogView { display: block; width: 1fr; height: 1fr; } }
    }
    """

    @dataclass
    class Opened(Message):
        """A job is to be seen on a screen of its own."""

        job: Job

    palette: reactive[Palette] = reactive(PLAIN, repaint=False)
    address: reactive[str] = reactive("", repaint=False)
    grown: reactive[str] = reactive("", repaint=False)
    """The panel that has the whole screen, one of `GROWN`; empty: all are shown."""

    def __init__(self, zone: tzinfo | None, memory: Memory, clock: Clock) -> None:
        super().__init__(memory)
        self._zone = zone
        self._clock = clock
        self._order = TableOrder(zone)
        self._key_facts: tuple[object, ...] | None = None  # the facts that decide which keys are greyed out
        self._peaks = JobPeaks(self._show_peaks)
        self._title = ""
        self._drawn_job = ""  # id of the selected job while its stems can be drawn

    def compose(self) -> ComposeResult:
        palette, address = MainScreen.palette, MainScreen.address
        yield HeaderLine().data_bind(palette, address, MainScreen.state)
        yield Welcome().data_bind(palette, address)
        yield JobsTable(self._zone).data_bind(palette)
        yield FilterInput(placeholder="words of a name, an engine, a state, or today", select_on_focus=False)
        with Horizontal(id="middle"):
            yield JobDetails().data_bind(palette)
            yield PortsPanel().data_bind(palette)
        yield LogView(self._zone).data_bind(palette)
        yield KeyBar()

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

    def select(self, job: str) -> None:
        """Moves the selection to a known job, or to its group if only that is in the table."""
        table, group = self.query_one(JobsTable), self.state.jobs[job].group_id
        table.selected = group if group and group not in table.opened else job

    def toggle_clips(self) -> None:
        """Shows the clips of the selected group below it, or hides those among which the selection is."""
        row, table = self.selected_row, self.query_one(JobsTable)
        group = row.id if isinstance(row, Group) else row.group_id if row is not None else ""
        if group:
            if group in table.opened:
                table.selected = group
            table.opened ^= {group}
            self._show(self.state)

    def open_selected(self) -> None:
        """Asks for the selected job's own screen; a group shows or hides its clips."""
        if (job := self.selected) is not None:
            self.post_message(self.Opened(job))
        else:
            self.toggle_clips()

    def on_jobs_table_opened(self) -> None:
        self.open_selected()

    def watch_state(self, state: ViewState) -> None:
        if self.is_mounted:
            self._show(state)

    def action_grow(self) -> None:
        self.grown = GROWN[(GROWN.index(self.grown) + 1) % len(GROWN)]

    def watch_grown(self, grown: str) -> None:
        for name in GROWN[1:]:
            self.set_class(name == grown, f"-grown-{name}")
        if grown:
            self.query_one(JobDetails if grown == "details" else LogView).focus()
        elif self.is_mounted:
            self.query_one(JobsTable).focus()

    def watch_filter_words(self) -> None:
        if self.is_mounted:
            self._show(self.state)

    def watch_sort(self) -> None:
        if self.is_mounted:
            self._show(self.state)

    def on_jobs_table_scrolled(self) -> None:
        self._show_title()

    def _show_title(self) -> None:
        """The title says what part of the list is shown, and how."""
        table = self.query_one(JobsTable)
        shown = sum(not isinstance(row, Heading) for row in table.rows)
        parts = [
            "Jobs",
            f"{shown} with “{self.filter_words}”" if self.filter_words else "",
            f"by {self.sort}" if self.sort != SORTS[0] else "",
            f"{len(table.marked)} marked" if table.marked else "",
            f"↑ {table.unseen} new" if table.unseen else "",
        ]
        title = " · ".join(part for part in parts if part)
        if title != self._title:
            self._title = title
            set_border_title(table, title)

    def on_jobs_table_selected(self) -> None:
        self._show_selected()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if paths := paths_in(event.text):
            self.ask_for_songs(paths)

    def _show(self, state: ViewState) -> None:
        if self.has_class("-empty") is bool(state.jobs):  # the first job has come, or the last one has gone
            self.set_class(not state.jobs, "-empty")
            self.query_one(JobsTable if state.jobs else "#demo").focus()
        table, ports = self.query_one(JobsTable), self.query_one(PortsPanel)
        table.playing = frozenset(job for job, _ in state.playing)
        table.armed = frozenset(job for job, _ in state.armed)
        now = self._clock.unix_seconds()
        view = View(table.opened, self.filter_words, self.sort)
        table.today = self._order.day_of(now)
        table.marked &= {*state.jobs, *state.groups}
        table.rows = self._order.lines(state, view, now)
        self._show_title()
        ports.midi, ports.playing = state.midi, frozenset(stem for _, stem in state.playing)
        self._show_selected()
        self.query_one(LogView).show(state.log, state.lines_logged)

    def _show_peaks(self, job: str, peaks: Peaks) -> None:
        if job == self._drawn_job:
            self.query_one(JobDetails).peaks = peaks

    def _show_selected(self) -> None:
        details, row = self.query_one(JobDetails), self.selected_row
        details.is_open = row is not None and row.id in self.query_one(JobsTable).opened
        details.row = row
        live = None if row is None else self.state.live.get(row.id)
        drawn = row.id if row is not None and live is not None and live.previews else ""
        if drawn != self._drawn_job:
            self._drawn_job, details.peaks = drawn, {}
        if drawn and live is not None and live != details.live and self._peaks.want(drawn, live):
            self.run_worker(self._peaks.read(), group="peaks")
        details.live = live
        key_facts: tuple[object, ...] | None = None
        if row is not None:
            kinds = tuple(result.kind for result in row.results) if isinstance(row, Job) else ("group", row.id)
            key_facts = (row.is_over, kinds, isinstance(row, Job) and bool(row.group_id))
        if key_facts != self._key_facts:  # redrawing the footer costs more than everything else here
            self._key_facts = key_facts
            self.refresh_bindings()
