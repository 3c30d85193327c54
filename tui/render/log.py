"""One line of the log, on as many rows as it needs."""

from __future__ import annotations

from datetime import datetime, tzinfo

from rich.text import Text

from tui.log_lines import LogLine
from tui.render.fit import wrap
from tui.render.roles import Palette

_INDENT = 10  # " 14:03:27 "


def log_rows(line: LogLine, width: int) -> list[str]:
    """The text right of the time, wrapped to fit rows of `width` cells."""
    message = f"{line.subject}: {line.message}" if line.subject else line.message
    return wrap(message, max(8, width - _INDENT - 1))


def log_row(line: LogLine, index: int, width: int, palette: Palette, zone: tzinfo | None) -> Text:
    """The row numbered `index` of `log_rows`; the first one has the time, in `zone` (None: this machine's)."""
    wrapped = log_rows(line, width)
    words = wrapped[index] if index < len(wrapped) else ""  # the width has changed, the layout not yet
    time = datetime.fromtimestamp(line.unix_seconds, zone).strftime("%H:%M:%S") if index == 0 else ""
    text = Text(f" {time:8} ", style=palette.muted, no_wrap=True, end="")
    subject = f"{line.subject}:"
    level_style = palette.of_level(line.level)
    if line.subject and index == 0 and words.startswith(subject):
        return text.append(subject, palette.text).append(words[len(subject) :], level_style or palette.muted)
    return text.append(words, level_style)
