"""The dialog that asks for another tempo of a job's notes."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList

from bridge.model import Job, Music
from bridge.music.tempo.other_tempi import notes_again, other_tempi
from bridge.request import JobRequest
from bridge.score.words import tempo_words
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, list_option, set_border_title

MAP = "map"


class TempoDialog(Dialog):
    """Offers the runners-up of a job's tempo; escape leaves its notes as they are."""

    @dataclass
    class Chosen(Message):
        request: JobRequest

    def __init__(self, job: Job, music: Music) -> None:
        super().__init__()
        self._job = job
        self._music = music
        self._others = other_tempi(music)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "Tempo")
            now = tempo_words(self._music) or "120 BPM, assumed"
            yield PlainText(f"The notes of “{self._job.name}” are written at {now}. Read them again at:")
            options = [
                list_option(f"{one.bpm:g} BPM in {one.time_signature[0]}/{one.time_signature[1]}", id=str(place))
                for place, one in enumerate(self._others)
            ]
            if not self._music.tempo_map:
                options.append(list_option("the beats, as they are played", id=MAP))
            yield OptionList(*options)
            yield PlainText("Enter writes them into a folder of their own, Esc closes.", id="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            tempo = None if event.option_id == MAP else self._others[int(event.option_id)]
            self.post_message(self.Chosen(notes_again(self._job, tempo)))
        self.dismiss()
