"""The keys at the foot of a screen."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey  # Textual gives it no public name

from tui.keys import KEYS_BY_SCREEN

_PADDING = 3
"""Columns around a key and its word."""
_PALETTE_COLUMNS = 13
"""What the key of the command palette takes, with its line; it always stays."""
#: What a key says of itself → its rank. Two screens may have an action of one name.
_RANKS = {key.help: key.rank for keys in KEYS_BY_SCREEN.values() for key in keys}


class KeyBar(Footer):
    """A footer that leaves out what a narrow screen needs least, where Textual's cuts off the last keys."""

    def compose(self) -> ComposeResult:
        columns = self.app.size.width - _PALETTE_COLUMNS
        widgets = [*super().compose()]
        fitting: set[Widget] = {each for each in widgets if each.has_class("-command-palette")}
        for key in sorted((each for each in widgets if isinstance(each, FooterKey)), key=_rank):
            width = cell_len(key.key_display) + cell_len(key.description) + _PADDING
            if width <= columns and key not in fitting:
                fitting.add(key)
                columns -= width
        yield from (each for each in widgets if each in fitting)

    def on_resize(self) -> None:
        self.call_after_refresh(self.recompose)


def _rank(key: FooterKey) -> int:
    return _RANKS.get(str(key.tooltip), 2)
