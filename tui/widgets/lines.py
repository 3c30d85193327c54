"""The base of the widgets that draw the visible lines of a long list."""

from __future__ import annotations

from rich.segment import Segment
from rich.text import Text
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.render.roles import PLAIN, Palette


class Lines(ScrollView, can_focus=True):
    """A scrolling list of lines; only the visible ones are rendered."""

    DEFAULT_CSS = """
    Lines { overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    palette: reactive[Palette] = reactive(PLAIN)

    def line(self, y: int, width: int) -> Text | None:
        """The line `y` rows below the widget's top edge, for `width` cells; None below the last one."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        text = self.line(y, width)
        if text is None:
            return Strip.blank(width, self.rich_style)
        console = self.app.console  # `Text.render` ignores the style of a text without spans
        strip = Strip(Segment.apply_style(text.render(console), console.get_style(text.style)))
        return strip.adjust_cell_length(width).apply_style(self.rich_style)
