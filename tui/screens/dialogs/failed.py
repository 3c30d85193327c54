"""The dialog of a bridge that cannot run."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button

from bridge.errors import BridgeError
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, set_border_title


class FailedDialog(Dialog):
    """The bridge could not start, or has failed: shows the reason; quitting is the only choice."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter,escape", "leave", "Quit")]

    class Dismissed(Message):
        pass

    def __init__(self, error: BridgeError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "The bridge cannot run")
            yield PlainText(self._error.message, id="message")
            yield PlainText(self._error.advice)
            with Horizontal():
                yield Button("Quit", id="leave", variant="primary")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_leave()

    def action_leave(self) -> None:
        self.post_message(self.Dismissed())
