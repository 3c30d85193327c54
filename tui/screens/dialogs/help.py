"""The dialog that explains the keys."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from tui.keys import KEYS_BY_SCREEN, Key
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, set_border_subtitle, set_border_title


class HelpDialog(Dialog):
    """The keys of every screen, and the address for a DAW.

    Args:
        here: name in `KEYS_BY_SCREEN` of the screen that asks; its keys stand first.
    """

    DEFAULT_CSS = """
    HelpDialog VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    """

    def __init__(self, address: str, here: str) -> None:
        super().__init__()
        self._address = address
        self._here = here

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "Help")
            set_border_subtitle(box, "Esc closes")
            with VerticalScroll():
                for title, keys in sorted(KEYS_BY_SCREEN.items(), key=lambda row: row[0] != self._here):
                    yield PlainText(Text(title, "bold underline"))
                    yield PlainText(Text("\n").join(map(_line, keys)))
                    yield PlainText("")
                yield PlainText("Arrows or j k choose a row, Tab changes panels, Ctrl+P has every command.")
                yield PlainText("Click a row, a key below or a panel; the wheel scrolls what is under it.")
                yield PlainText(f"A DAW sends OSC to {self._address} (see docs/osc.md).")


def _line(key: Key) -> Text:
    shown = key.shown_as or key.keys.replace(",", " ")
    return Text.assemble((f"{shown:<4} ", "bold"), key.help)
