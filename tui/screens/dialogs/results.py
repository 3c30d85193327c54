"""The dialog with the files of a job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList

from bridge.model import Job
from tui.render.fit import fit
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, list_option, set_border_title


class ResultsDialog(Dialog):
    """The files of one job; enter copies a path."""

    @dataclass
    class Copied(Message):
        path: str

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def compose(self) -> ComposeResult:
        paths = [result.path for result in self._job.results]
        with Vertical() as box:
            set_border_title(box, fit(self._job.name, 40).rstrip())
            yield PlainText(self._job.output_dir, id="folder")
            yield OptionList(
                list_option("The folder itself", id=self._job.output_dir),
                *(list_option(Path(path).name, id=path) for path in dict.fromkeys(paths)),
            )
            yield PlainText("Enter copies the path, Esc closes.", id="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Copied(event.option_id))
        self.dismiss()
