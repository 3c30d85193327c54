"""The table of jobs and groups, a line each; only visible lines are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive

from bridge.groups.group import Group
from tui.order import Heading, TableLine, ended_unix, when_words
from tui.render.group import group_row
from tui.render.job import LONG_WHEN, columns, day_line, job_row, table_heading
from tui.widgets.lines import Lines


class JobsTable(Lines):
    """Shows `rows` in the given order; the selection follows its row when that moves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move(-1_000_000)", show=False),
        Binding("end,G", "move(1_000_000)", show=False),
    ]

    rows: reactive[tuple[TableLine, ...]] = reactive((), always_update=True, repaint=False)
    today: reactive[date] = reactive(date.min)
    marked: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of the jobs and groups that the keys act on; none: on the selected one."""
    unseen: reactive[int] = reactive(0)
    """How many jobs have come above what is shown."""
    opened: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of the groups whose clips stand below them in `rows`."""
    playing: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of the jobs that are playing."""
    armed: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of the jobs whose notes wait for the DAW's transport to start."""
    selected: reactive[str] = reactive("", repaint=False)
    """Id of the job or group that the keys act on; empty without jobs."""

    @dataclass
    class Selected(Message):
        row: str

    @dataclass
    class Scrolled(Message):
        """What is marked has changed, or how many new jobs stand above what is shown."""

        unseen: int

    @dataclass
    class Opened(Message):
        """The row was clicked twice."""

        row: str

    def __init__(self, zone: tzinfo | None = None) -> None:
        super().__init__()
        self._zone = zone
        self._place: tuple[str, int | None] | None = None
        """The selected row and where it stands; None: to be looked for."""
        self._last_place = 0

    def line(self, y: int, width: int) -> Text | None:
        if y == 0:
            return table_heading(width, self.palette)
        index = self.scroll_offset.y + y - 1
        if index >= len(self.rows):
            return None
        row = self.rows[index]
        if isinstance(row, Heading):
            return day_line(row.words, width, self.palette)
        selected, marked = row.id == self.selected, row.id in self.marked
        short = columns(width).when < LONG_WHEN
        when = when_words(ended_unix(row), self.today, self._zone, short=short)
        if isinstance(row, Group):
            is_open = row.id in self.opened
            return group_row(row, width, self.palette, is_open=is_open, selected=selected, marked=marked, when=when)
        playing, armed, indented = row.id in self.playing, row.id in self.armed, bool(row.group_id)
        return job_row(
            row,
            width,
            self.palette,
            playing=playing,
            armed=armed,
            selected=selected,
            marked=marked,
            indented=indented,
            when=when,
        )

    def watch_rows(self, old: tuple[TableLine, ...], rows: tuple[TableLine, ...]) -> None:
        self._refresh_changed(old, rows)
        self.virtual_size = Size(0, len(rows) + 1)
        self._place = None
        top = self.scroll_offset.y
        if top > 0 and old:
            known = {row.id for row in old}
            self.unseen += sum(row.id not in known for row in rows[:top] if not isinstance(row, Heading))
        if self._selected_index() is None:
            index = self._nearest(self._last_place)
            self.selected = rows[index].id if index is not None else ""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value <= 0:
            self.unseen = 0

    def watch_marked(self) -> None:
        self.post_message(self.Scrolled(self.unseen))

    def watch_unseen(self, unseen: int) -> None:
        self.post_message(self.Scrolled(unseen))

    def watch_selected(self, old: str, row: str) -> None:
        self._refresh_lines(lambda line: not isinstance(line, Heading) and line.id in (old, row))
        self.post_message(self.Selected(row))
        self.call_after_refresh(self._show_selected)

    def action_move(self, rows: int) -> None:
        index = self._nearest((self._selected_index() or 0) + rows, step=-1 if rows < 0 else 1)
        if index is not None:
            self.selected = self.rows[index].id

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self._visible_rows - 1))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        index = self.scroll_offset.y + offset.y - 1 if offset is not None and offset.y > 0 else len(self.rows)
        if index < len(self.rows) and not isinstance(self.rows[index], Heading):
            self.selected = self.rows[index].id
            if event.chain == 2:
                self.post_message(self.Opened(self.selected))

    def jump_places(self) -> Iterator[tuple[Offset, Callable[[], object]]]:
        """Each visible row, for jump mode."""
        top = self.scroll_offset.y
        for y, row in enumerate(self.rows[top : top + self._visible_rows], 1):
            if isinstance(row, Heading):
                continue
            yield self.content_region.offset + Offset(0, y), partial(setattr, self, "selected", row.id)

    @property
    def _visible_rows(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def _selected_index(self) -> int | None:
        if self._place is None or self._place[0] != self.selected:
            found = next((index for index, row in enumerate(self.rows) if row.id == self.selected), None)
            self._place = self.selected, found
            self._last_place = self._last_place if found is None else found
        return self._place[1]

    def _nearest(self, index: int, step: int = 1) -> int | None:
        """The job that stands there, or the next one in that direction, or in the other."""
        index = max(0, min(index, len(self.rows) - 1))
        for way in (step, -step):
            place = index
            while 0 <= place < len(self.rows):
                if not isinstance(self.rows[place], Heading):
                    return place
                place += way
        return None

    def _refresh_changed(self, old: tuple[TableLine, ...], rows: tuple[TableLine, ...]) -> None:
        """Draws the visible lines anew that have changed: of 5 000 jobs, most often the one that runs."""
        top = self.scroll_offset.y
        before, now = old[top : top + self._visible_rows], rows[top : top + self._visible_rows]
        if len(before) != len(now):
            self.refresh()
            return
        changed = {id(line) for line, other in zip(now, before, strict=True) if line is not other and line != other}
        self._refresh_lines(lambda line: id(line) in changed)

    def _refresh_lines(self, is_meant: Callable[[TableLine], bool]) -> None:
        """Draws those of the visible lines anew."""
        top = self.scroll_offset.y
        width = self.scrollable_content_region.width
        places = [y for y, line in enumerate(self.rows[top : top + self._visible_rows], 1) if is_meant(line)]
        if places:
            self.refresh(*(Region(0, y, width, 1) for y in places))

    def _show_selected(self) -> None:
        index, top = self._selected_index(), self.scroll_offset.y
        if index is None or top <= index < top + self._visible_rows:
            return
        self.scroll_to(y=index if index < top else index - self._visible_rows + 1, animate=False)
