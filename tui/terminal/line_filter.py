"""The last filter before the terminal: no control character that a widget draws, ours or Textual's, reaches it."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from bridge.plain import plain


class PlainTextFilter(LineFilter):
    """Replaces unprintable characters, and keeps the width of each line as Textual has laid it out."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 – Textual's signature
        if all(segment.control or segment.text.isprintable() for segment in segments):
            return segments
        return [segment if segment.control else Segment(_plain(segment.text), segment.style) for segment in segments]


def _plain(text: str) -> str:
    """Drops characters without width; where they had joined others that now need more cells, the end is cut."""
    shown = "".join(plain(character) * get_character_cell_size(character) for character in text)
    return set_cell_size(shown, cell_len(text))
