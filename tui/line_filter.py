"""The last gate before the terminal: whatever a widget draws, ours or Textual's own, no sign of it is obeyed."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from bridge.plain import plain


class HarmlessText(LineFilter):
    """Makes each line plain, and leaves it as wide as Textual has laid it out."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 – Textual's signature
        if all(segment.control or segment.text.isprintable() for segment in segments):
            return segments
        return [segment if segment.control else Segment(_shown(segment.text), segment.style) for segment in segments]


def _shown(text: str) -> str:
    """What has no width goes; where it held signs together that now need more room, the end goes too."""
    shown = "".join(plain(sign) * get_character_cell_size(sign) for sign in text)
    return set_cell_size(shown, cell_len(text))
