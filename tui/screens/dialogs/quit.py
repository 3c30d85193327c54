"""The question before the bridge is closed with unfinished jobs."""

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
    """Asks before the bridge is closed with unfinished jobs, and says what becomes of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,y", "leave", "Quit"),
        Binding("b", "leave_running", "Leave it running"),
        Binding("n", "dismiss", "Stay"),
        Binding("left", "app.focus_previous", "Button before"),
        Binding("right", "app.focus_next", "Next button"),
    ]

    class Confirmed(Message):
        pass

    class LeftRunning(Message):
        """The screen ends, and the bridge goes on without it."""

    def __init__(self, unfinished: tuple[Job, ...], *, are_kept: bool, can_be_left: bool = False) -> None:
        """`are_kept`: they wait for the bridge's next start; else they are cancelled.

        `can_be_left`: the bridge can go on in the background.
        """
        super().__init__()
        self._can_be_left = can_be_left
        self._unfinished = unfinished
        self._are_kept = are_kept

    def compose(self) -> ComposeResult:
        count = len(self._unfinished)
        if count == 1:
            question, it, goes, is_ = f"“{self._unfinished[0].name}” is not done yet.", "It", "goes", "is"
        else:
            question, it, goes, is_ = f"{count} jobs are not done yet.", "They", "go", "are"
        kept, lost = f"{goes} on when the bridge is started again", f"{is_} cancelled, because port 0 keeps no history"
        with Vertical() as box:
            set_border_title(box, "Quit?")
            left = " Left running, the bridge works on in the background; `sab` shows it again, `sab quit` ends it."
            yield PlainText(f"{question} {it} {kept if self._are_kept else lost}.{left if self._can_be_left else ''}")
            with Horizontal():
                yield Button("Stay", id="stay")
                if self._can_be_left:
                    yield Button("Leave it running (b)", id="leave-running", variant="primary")
                yield Button("Quit", id="leave", variant="error")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "leave":
            self.action_leave()
        elif event.button.id == "leave-running":
            self.action_leave_running()
        else:
            self.dismiss()

    def action_leave(self) -> None:
        self.dismiss()
        self.post_message(self.Confirmed())

    def action_leave_running(self) -> None:
        if self._can_be_left:
            self.dismiss()
            self.post_message(self.LeftRunning())
