"""The table of jobs and groups, a line each; only visible lines are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Offset, Size
from textual.message import Message
from textual.reactive import reactive

from bridge.groups.group import Group
from tui.render.group import group_row
from tui.render.job import job_row, table_heading
from tui.state import TableRow
from tui.widgets.lines import Lines


class JobsTable(Lines):
    """Shows `rows` in the given order; the selection follows its row when that moves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1_000_000)", show=False),
        Binding("end", "move(1_000_000)", show=False),
    ]

    rows: reactive[tuple[TableRow, ...]] = reactive((), always_update=True)
    opened: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of the groups whose clips stand below them in `rows`."""
    playing: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of the jobs that are playing."""
    armed: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of the jobs whose notes wait for the DAW's transport to start."""
    selected: reactive[str] = reactive("")
    """Id of the job or group that the keys act on; empty without jobs."""

    @dataclass
    class Selected(Message):
        row: str

    @dataclass
    class Opened(Message):
        """The row was clicked twice."""

        row: str

    def line(self, y: int, width: int) -> Text | None:
        if y == 0:
            return table_heading(width, self.palette)
        index = self.scroll_offset.y + y - 1
        if index >= len(self.rows):
            return None
        row = self.rows[index]
        selected = row.id == self.selected
        if isinstance(row, Group):
            return group_row(row, width, self.palette, is_open=row.id in self.opened, selected=selected)
        playing, armed, indented = row.id in self.playing, row.id in self.armed, bool(row.group_id)
        return job_row(row, width, self.palette, playing=playing, armed=armed, selected=selected, indented=indented)

    def watch_rows(self, rows: tuple[TableRow, ...]) -> None:
        self.virtual_size = Size(0, len(rows) + 1)
        if self._selected_index() is None:
            self.selected = rows[0].id if rows else ""

    def watch_selected(self, row: str) -> None:
        self.post_message(self.Selected(row))
        self.call_after_refresh(self._show_selected)

    def action_move(self, rows: int) -> None:
        if self.rows:
            index = (self._selected_index() or 0) + rows
            self.selected = self.rows[max(0, min(index, len(self.rows) - 1))].id

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self._visible_rows - 1))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        index = self.scroll_offset.y + offset.y - 1 if offset is not None and offset.y > 0 else len(self.rows)
        if index < len(self.rows):
            self.selected = self.rows[index].id
            if event.chain == 2:
                self.post_message(self.Opened(self.selected))

    def jump_places(self) -> Iterator[tuple[Offset, Callable[[], object]]]:
        """Each visible row, for jump mode."""
        top = self.scroll_offset.y
        for y, row in enumerate(self.rows[top : top + self._visible_rows], 1):
            yield self.content_region.offset + Offset(0, y), partial(setattr, self, "selected", row.id)

    @property
    def _visible_rows(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def _selected_index(self) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row.id == self.selected), None)

    def _show_selected(self) -> None:
        index, top = self._selected_index(), self.scroll_offset.y
        if index is None or top <= index < top + self._visible_rows:
            return
        self.scroll_to(y=index if index < top else index - self._visible_rows + 1, animate=False)
