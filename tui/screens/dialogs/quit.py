"""The question before unfinished jobs are cancelled."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button

from bridge.model import Job
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, set_border_title


class QuitDialog(Dialog):
    """Asks before unfinished jobs are cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,y", "leave", "Quit"), Binding("n", "dismiss", "Stay")]

    class Confirmed(Message):
        pass

    def __init__(self, unfinished: tuple[Job, ...]) -> None:
        super().__init__()
        self._unfinished = unfinished

    def compose(self) -> ComposeResult:
        count = len(self._unfinished)
        first = self._unfinished[0].name
        consequence = (
            f"“{first}” is not done yet. Quitting cancels it"
            if count == 1
            else (f"{count} jobs are not done yet. Quitting cancels them")
        )
        with Vertical() as box:
            set_border_title(box, "Quit?")
            yield PlainText(f"{consequence}; finished files stay.")
            with Horizontal():
                yield Button("Stay", id="stay")
                yield Button("Quit", id="leave", variant="error")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "leave":
            self.action_leave()
        else:
            self.dismiss()

    def action_leave(self) -> None:
        self.dismiss()
        self.post_message(self.Confirmed())
