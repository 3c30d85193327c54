"""The base of the widgets that draw the visible lines of a long list."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment
from rich.text import Text
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.render.roles import PLAIN, Palette

#: Lines that are kept as cells: several screens full.
KEPT_STRIPS = 400


class Lines(ScrollView, can_focus=True):
    """A scrolling list of lines; only the visible ones are rendered."""

    DEFAULT_CSS = """
    Lines { overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    palette: reactive[Palette] = reactive(PLAIN)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._strips: dict[tuple[object, ...], Strip] = {}

    def watch_show_vertical_scrollbar(self, is_shown: bool) -> None:
        """Textual moves the bar only while it is shown: one that has just come may stand elsewhere."""
        if is_shown:
            self.vertical_scrollbar.position = self.scroll_y

    def line(self, y: int, width: int) -> Text | None:
        """The line `y` rows below the widget's top edge, for `width` cells; None below the last one."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        text = self.line(y, width)
        if text is None:
            return Strip.blank(width, self.rich_style)
        return self._strip(text, width).apply_style(self.rich_style)

    def _strip(self, text: Text, width: int) -> Strip:
        """The line as cells. Most lines are as they were: making cells of them takes longest of all that is drawn."""
        key = text.plain, tuple(text.spans), str(text.style), width
        if key not in self._strips:
            if len(self._strips) >= KEPT_STRIPS:
                self._strips.clear()
            console = self.app.console  # `Text.render` ignores the style of a text without spans
            strip = Strip(Segment.apply_style(text.render(console), console.get_style(text.style)))
            self._strips[key] = strip.adjust_cell_length(width)
        return self._strips[key]
