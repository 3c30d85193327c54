"""The dialog that asks for the clock that a job's notes follow."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList

from bridge.model import Job
from bridge.wording import SYNC_WORDS
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, list_option, set_border_title


class PlayDialog(Dialog):
    """Asks how the notes of one job are synchronised; escape plays nothing."""

    @dataclass
    class Chosen(Message):
        job: str
        sync: str

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "Play")
            yield PlainText(f"When do the notes of “{self._job.name}” play?")
            yield OptionList(*(list_option(words, id=sync) for sync, words in SYNC_WORDS.items()))
            yield PlainText("Enter plays, Esc closes.", id="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Chosen(self._job.id, event.option_id))
        self.dismiss()
