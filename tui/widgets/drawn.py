"""The base of the widgets whose lines are drawn elsewhere; only the cells that change reach the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class DrawnLines(Widget):
    """Shows the lines that `draw` was given last, cut to its size."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 – Textual's parameter
        super().__init__(id=id)
        self._texts: list[Text] = []
        self._strips: list[Strip] = []

    def draw(self, lines: Sequence[Text]) -> None:
        """Replaces the lines."""
        if len(lines) != len(self._texts):
            self._texts, self._strips = list(lines), [self._strip(line) for line in lines]
            self.refresh()
            return
        for row, line in enumerate(lines):
            if line == self._texts[row] and line.style == self._texts[row].style:  # `==` leaves out the text's style
                continue
            strip = self._strip(line)
            first, end = changed_cells(self._strips[row], strip)
            self._texts[row], self._strips[row] = line, strip
            if first < end:
                self.refresh(Region(first, row, end - first, 1))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._strips):
            return Strip.blank(width, self.rich_style)
        return self._strips[y].adjust_cell_length(width).apply_style(self.rich_style)

    def _strip(self, line: Text) -> Strip:
        console = self.app.console  # `Text.render` ignores the style of a text without spans
        return Strip(Segment.apply_style(line.render(console), console.get_style(line.style)))


def changed_cells(old: Strip, new: Strip) -> tuple[int, int]:
    """The columns, from the first to before the last one, in which two lines differ."""
    before, after = _cells(old), _cells(new)
    if before is None or after is None or len(before) != len(after):
        return 0, max(old.cell_length, new.cell_length)
    first = next((place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]), None)
    if first is None:
        return 0, 0
    end = len(after)
    while before[end - 1] == after[end - 1]:
        end -= 1
    return first, end


def _cells(strip: Strip) -> list[tuple[str, Style | None]] | None:
    """The characters with their styles; None where some are wider or narrower than a cell."""
    cells = [(character, segment.style) for segment in strip for character in segment.text]
    return cells if len(cells) == strip.cell_length else None
