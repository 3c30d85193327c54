"""The roles of colours in text; the theme assigns the colours (`tui.themes`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Each field is a Rich style; empty means the surrounding style."""

    text: str = ""
    muted: str = ""
    """Secondary text."""
    faint: str = ""
    """The empty part of a bar."""
    accent: str = ""
    """What is running or playing now."""
    good: str = ""
    warning: str = ""
    bad: str = ""
    selection: str = ""
    """The row of the selected job."""

    def of_level(self, level: str) -> str:
        """The style of a log level; unknown levels read as `info`."""
        return {"good": self.good, "warning": self.warning, "error": self.bad}.get(level, self.text)


PLAIN = Palette()
