"""The dialog that asks what the notes of a job are to follow while they play."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList

from bridge.model import Job
from tui.screens.dialogs import Dialog
from tui.widgets.words import Words, entitle, list_option

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
            entitle(box, "Play")
            yield Words(f"When do the notes of “{self._job.name}” play?")
            yield OptionList(*(list_option(words, id=sync) for sync, words in SYNC_WORDS.items()))
            yield Words("Enter plays, Esc closes.", id="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(self._job.id, event.option_id))
        self.dismiss()
