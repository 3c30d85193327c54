"""The dialog that explains the keys."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from tui.keys import KEYS, Key
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, set_border_title


class HelpDialog(Dialog):
    """The keys, and the address for a DAW."""

    def __init__(self, address: str, keys: Sequence[Key] = KEYS) -> None:
        super().__init__()
        self._keys = keys
        self._address = address

    def compose(self) -> ComposeResult:
        keys = Text("\n").join(Text.assemble((f"{key.shown_as or key.keys:3}", "bold"), key.help) for key in self._keys)
        with Vertical() as box:
            set_border_title(box, "Help")
            yield PlainText(keys)
            yield PlainText("")
            yield PlainText("Arrows choose a job, Tab changes panels, Ctrl+P has every command.")
            yield PlainText(f"A DAW sends OSC to {self._address} (see docs/osc.md).")
            yield PlainText("Esc closes.", id="hint")
