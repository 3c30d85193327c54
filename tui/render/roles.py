"""The roles that colour plays in text; which colours they are, the theme says (`tui.themes`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Each field is a Rich style; empty means the surrounding style."""

    text: str = ""
    muted: str = ""
    """What is there to be found, not to be read first."""
    faint: str = ""
    """Lines and empty parts of bars."""
    accent: str = ""
    """What is moving or sounding now."""
    good: str = ""
    warning: str = ""
    bad: str = ""
    selection: str = ""
    """The row that the keys act on."""

    def of_level(self, level: str) -> str:
        """The style of a log level; unknown levels read as `info`."""
        return {"good": self.good, "warning": self.warning, "error": self.bad}.get(level, self.text)


PLAIN = Palette()
