"""What the keys of the table do: with the marked jobs, or else with the selected one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Input

from bridge.errors import BridgeError
from bridge.groups.group import Group
from bridge.model import SCREEN, Job
from bridge.request import GroupChoice, JobRequest
from tui.availability import can_act
from tui.boundary import only_bridge_errors
from tui.host import ScreenHost
from tui.keys import DESK, bindings
from tui.memory import Memory
from tui.order import SORTS, Heading
from tui.state import TableRow, ViewState
from tui.widgets.jobs_table import JobsTable

if TYPE_CHECKING:
    from tui.screens.add.form import AddForm
    from tui.screens.add.submission import Outcome
    from tui.screens.add.values import Filled


class FilterInput(Input):
    """The words that the shown jobs must have; Escape shows all again."""

    DEFAULT_CSS = """
    FilterInput { display: none; height: 1; padding: 0 1; background: $panel; dock: bottom; margin-bottom: 1; }
    FilterInput, FilterInput:focus { border: none; }
    FilterInput.-shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Show all")]

    class Left(Message):
        """The filter is given up."""

    def on_mount(self) -> None:
        self.cursor_blink = False

    def action_leave(self) -> None:
        self.post_message(self.Left())


class JobsScreen(Screen[None]):
    """The actions on jobs; how they are shown is `MainScreen`'s."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DESK)]

    @dataclass
    class Refused(Message):
        """Something could not be done."""

        error: BridgeError
        is_told: bool = False
        """Whether a person has been told already."""

    @dataclass
    class Added(Message):
        """A job was queued here."""

        job: str

    @dataclass
    class Copied(Message):
        """A path is to go to the clipboard."""

        path: str

    state: reactive[ViewState] = reactive(ViewState, repaint=False)
    host: reactive[ScreenHost | None] = reactive(None, repaint=False)
    """The bridge; None before it is open and while it closes."""
    filter_words: reactive[str] = reactive("", repaint=False)
    sort: reactive[str] = reactive(SORTS[0], repaint=False)

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory
        self._undone: list[tuple[str, tuple[Job, ...]]] = []
        """What `u` brings back, the last first to go: how they went, and the jobs."""
        if memory.choices.sort in SORTS:
            self.set_reactive(JobsScreen.sort, memory.choices.sort)

    @property
    def selected_row(self) -> TableRow | None:
        """The job or the group that is selected."""
        if not self.is_mounted:
            return None
        row = self.query_one(JobsTable).selected
        return self.state.jobs.get(row) or self.state.groups.get(row)

    @property
    def selected(self) -> Job | None:
        """The job that is selected; None without one, or if a group is selected."""
        row = self.selected_row
        return row if isinstance(row, Job) else None

    @property
    def acted_rows(self) -> tuple[TableRow, ...]:
        """The rows that the keys act on: the marked ones, or the selected one."""
        if not self.is_mounted:
            return ()
        marked = self.query_one(JobsTable).marked
        rows = (self.state.jobs.get(row) or self.state.groups.get(row) for row in sorted(marked))
        chosen = tuple(row for row in rows if row is not None)
        return chosen or (() if self.selected_row is None else (self.selected_row,))

    @property
    def acted_jobs(self) -> tuple[Job, ...]:
        """The jobs of these rows, each once, in the order of their submission, those of one moment by their ids."""
        jobs = {job.id: job for row in self.acted_rows for job in (row.jobs if isinstance(row, Group) else (row,))}
        return tuple(sorted(jobs.values(), key=lambda job: (job.submitted_unix, job.id)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 – Textual's
        """None, which greys out the key, where the action is not possible now."""
        possible = can_act(action, self.acted_jobs, bridge_is_open=self.host is not None, can_undo=bool(self._undone))
        return True if possible else None

    # Adding

    def action_add(self) -> None:
        self.ask_for_songs()

    def action_live(self) -> None:
        self.ask_for_songs(is_live=True)

    def ask_for_songs(
        self, paths: tuple[str, ...] = (), *, is_live: bool = False, base: JobRequest | None = None
    ) -> None:
        """Opens the form for these files; `base`: the request that is run again."""
        if self.host:
            from tui.screens.add.form import AddForm  # with all that it needs, loaded when it is first opened
            from tui.screens.add.submission import options_at_first
            from tui.screens.add.values import shown_options

            form = AddForm(
                self.host.bridge,
                self._add_later,
                paths,
                options=options_at_first(self.host, self.memory) if base is None else shown_options(base),
                default_sync=self.host.default_sync,
                is_live=is_live,
                folder=self.memory.choices.folder,
                base=base,
                palette=self.query_one(JobsTable).palette,
            )
            self.app.push_screen(form)

    def _add_later(self, filled: Filled, form: AddForm) -> None:
        """Submits files without blocking the screen: a slow drive delays the check of a file."""
        if self.host:
            self.run_worker(self._add(self.host, filled, form), group="add")

    async def _add(self, host: ScreenHost, filled: Filled, form: AddForm) -> None:
        try:
            with only_bridge_errors():
                from tui.screens.add.submission import submit

                outcome = await submit(host, filled, lambda job: self.post_message(self.Added(job)))
        except BridgeError as gone:  # the bridge, meanwhile
            outcome = Outcome(0, [(path, gone) for path in filled.paths])
        if outcome.added:
            self.memory.remember(add=filled.to_remember, folder=str(PurePath(filled.paths[-1]).parent))
        for _, error in outcome.refused:
            self.post_message(self.Refused(error, is_told=form.is_attached))
        if outcome.refused:
            form.refuse(outcome.refused, outcome.added)
        else:
            form.accept()

    # On jobs

    def action_cancel_job(self) -> None:
        jobs = tuple(job for job in self.acted_jobs if not job.is_over)
        if self.host and jobs:
            self._undone.append(("cancelled", jobs))
            with self._refusals_told():
                for row in self.acted_rows:
                    if isinstance(row, Group):
                        self.host.bridge.cancel_group(row.id)
                    else:
                        self.host.bridge.cancel(row.id)
            self._after_acting()

    def action_remove(self) -> None:
        jobs = tuple(job for job in self.acted_jobs if job.is_over)
        if self.host and jobs:
            self._undone.append(("removed", jobs))
            with self._refusals_told():
                self.host.bridge.remove([job.id for job in jobs])
            self.notify(f"{_counted(jobs)} off the list; the files stay. u brings {_them(jobs)} back.")
            self._after_acting()

    def action_undo(self) -> None:
        if self.host and self._undone:
            how, jobs = self._undone.pop()
            if how == "removed":
                with self._refusals_told():
                    self.host.bridge.restore([job.id for job in jobs])
            else:
                self._submit_again(jobs)
            self.refresh_bindings()

    def action_retry(self) -> None:
        self._submit_again([job for job in self.acted_jobs if job.state in ("failed", "cancelled")])
        self._after_acting()

    def action_again(self) -> None:
        if job := self.selected:
            self.ask_for_songs((job.request.source,), base=job.request)

    def _submit_again(self, jobs: Sequence[Job]) -> None:
        if self.host and jobs:
            self.run_worker(self._submit(self.host, [*_requests_again(jobs)]), group="add")

    async def _submit(self, host: ScreenHost, requests: Iterable[JobRequest]) -> None:
        for request in requests:
            with self._refusals_told():
                job, _ = await host.bridge.submit(request, origin=SCREEN)
                self.post_message(self.Added(job.id))

    def action_open_folder(self) -> None:
        if self.host and (job := self._job_with_folder()):
            files = [result.file for result in job.results]
            self.run_worker(self._show_folder(self.host, job.output_dir, files), group="folder")

    async def _show_folder(self, host: ScreenHost, folder: str, files: Sequence[str]) -> None:
        with self._refusals_told():
            await host.bridge.show_folder(folder, files)

    def action_copy_folder(self) -> None:
        if job := self._job_with_folder():
            self.post_message(self.Copied(job.output_dir))

    def _job_with_folder(self) -> Job | None:
        return next((job for job in self.acted_jobs if job.output_dir), None)

    # On the list

    def action_mark(self) -> None:
        table = self.query_one(JobsTable)
        if self.selected_row is not None:
            table.marked ^= {table.selected}
            table.action_move(1)
            self.refresh_bindings()

    def action_mark_all(self) -> None:
        """Marks all that is shown, or nothing where all of it was marked."""
        table = self.query_one(JobsTable)
        shown = frozenset(row.id for row in table.rows if not isinstance(row, Heading))
        table.marked = frozenset() if shown <= table.marked else table.marked | shown
        self.refresh_bindings()

    def action_sort(self) -> None:
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.memory.remember(sort=self.sort)

    def action_filter(self) -> None:
        field = self.query_one(FilterInput)
        field.add_class("-shown")
        self.set_focus(field)  # at once: the keys that have come already are not the table's; see `SabApp.on_key`

    def on_input_changed(self, event: Input.Changed) -> None:
        if isinstance(event.input, FilterInput):
            self.filter_words = event.value.strip()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if isinstance(event.input, FilterInput):
            event.input.set_class(bool(event.value.strip()), "-shown")
            self.query_one(JobsTable).focus()

    def on_filter_input_left(self) -> None:
        field = self.query_one(FilterInput)
        field.value = ""
        field.remove_class("-shown")
        self.query_one(JobsTable).focus()

    def _after_acting(self) -> None:
        self.query_one(JobsTable).marked = frozenset()
        self.refresh_bindings()

    @contextmanager
    def _refusals_told(self) -> Iterator[None]:
        try:
            with only_bridge_errors():
                yield
        except BridgeError as error:
            self.post_message(self.Refused(error))


def _requests_again(jobs: Sequence[Job]) -> Iterator[JobRequest]:
    """The same requests; those of one group as a group of their own."""
    for group_id, members in groupby(sorted(jobs, key=lambda job: job.group_id), key=lambda job: job.group_id):
        together = [*members]
        choice = GroupChoice()
        if group_id and len(together) > 1:
            choice = msgspec.structs.replace(together[0].request.group, clips=len(together))
        for job in together:
            yield msgspec.structs.replace(job.request, group=choice)


def _counted(jobs: Sequence[Job]) -> str:
    return f"“{jobs[0].name}” is" if len(jobs) == 1 else f"{len(jobs)} jobs are"


def _them(jobs: Sequence[Job]) -> str:
    return "it" if len(jobs) == 1 else "them"
