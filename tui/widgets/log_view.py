"""The log, with the newest line at the bottom; scrolls with new lines unless the user has scrolled up."""

from __future__ import annotations

from datetime import tzinfo

from rich.text import Text
from textual.geometry import Size

from tui.log_lines import LogLine
from tui.render.log import log_row, log_rows
from tui.state import LOG_LIMIT
from tui.widgets.lines import Lines


class LogView(Lines):
    """Stores the log line of each row; the text is rendered when it is drawn."""

    def __init__(self, zone: tzinfo | None) -> None:
        super().__init__()
        self._zone = zone
        self._log: tuple[LogLine, ...] = ()
        self._logged = 0
        self._rows: list[tuple[LogLine, int]] = []
        self._width = 0
        self._following = True  # False after the user has scrolled up

    def show(self, log: tuple[LogLine, ...], lines_logged: int) -> None:
        """Shows `log`, the last of `lines_logged` lines; lays out only the new ones."""
        new_lines = lines_logged - self._logged
        if new_lines == 0:
            return
        self._log, self._logged = log, lines_logged
        if self._width:
            self._lay_out(log[-new_lines:])

    def on_resize(self) -> None:
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width = width
            self._rows.clear()
            self._lay_out(self._log)

    def line(self, y: int, width: int) -> Text | None:
        row = self.scroll_offset.y + y
        if row >= len(self._rows):
            return None
        line, index = self._rows[row]
        return log_row(line, index, width, self.palette, self._zone)

    def _lay_out(self, lines: tuple[LogLine, ...]) -> None:
        self._rows.extend((line, index) for line in lines for index in range(len(log_rows(line, self._width))))
        del self._rows[: max(0, len(self._rows) - LOG_LIMIT)]
        self.virtual_size = Size(0, len(self._rows))
        self.refresh()
        if self._following:
            self.scroll_end(animate=False, x_axis=False, force=True)  # also before its scrollbar is shown

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = self.is_vertical_scroll_end
