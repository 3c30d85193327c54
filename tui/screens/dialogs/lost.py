"""The dialog of a screen whose bridge has ended, or is not there yet."""

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


class LostDialog(Dialog):
    """Says why there is no bridge. The screen waits for the next one meanwhile; escape shows what it knows."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "start", "Start one"), Binding("q", "leave", "Quit")]

    class StartChosen(Message):
        """A bridge is to be started in this process."""

    class Left(Message):
        pass

    def __init__(self, error: BridgeError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "No bridge")
            yield PlainText(str(self._error), id="message")
            yield PlainText("This screen waits, and shows the next bridge as soon as one runs.")
            with Horizontal():
                yield Button("Start one (s)", id="start", variant="primary")
                yield Button("Quit", id="leave")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "start":
            self.action_start()
        else:
            self.action_leave()

    def action_start(self) -> None:
        self.dismiss()
        self.post_message(self.StartChosen())

    def action_leave(self) -> None:
        self.post_message(self.Left())
