"""The dialog that asks what the notes of a job are to follow while they play."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from bridge.model import Job
from tui.render.fit import one_line
from tui.screens.dialogs import Dialog

#: The values of the option `sync`, in words.
SYNC_WORDS = {
    "now": "At once",
    "clock": "With your DAW's MIDI clock, on the port SAB Sync",
    "jack": "With JACK's transport",
    "link": "With Ableton Link",
}


class PlayDialog(Dialog):
    """Asks once, for one job; escape plays nothing."""

    @dataclass
    class Chosen(Message):
        job: str
        sync: str

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Play"
            yield Static(Text(f"When do the notes of “{one_line(self._job.name)}” play?"))
            yield OptionList(*(Option(Text(words), id=sync) for sync, words in SYNC_WORDS.items()))
            yield Static("Enter plays, Esc closes.", id="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(self._job.id, event.option_id))
        self.dismiss()
