"""The dialogs: add a song, where the files lie, help, and the two in which the bridge ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList

from bridge.errors import BridgeError
from bridge.model import Job
from tui.keys import KEYS
from tui.paths import as_typed, paths_in
from tui.render.fit import fit
from tui.widgets.words import Words, entitle, list_option


class Dialog(ModalScreen[None]):
    """A box over the workplace; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical { width: 72; max-width: 95%; height: auto; max-height: 90%; }
    Dialog Horizontal { height: auto; align-horizontal: right; }
    """


class PathInput(Input):
    """Takes a dropped file's path in whatever dress the terminal pastes it."""

    def on_mount(self) -> None:
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        event.prevent_default()  # which would keep the quotes, and only the first line
        event.stop()
        self.insert_text_at_cursor(as_typed(paths_in(event.text)))


class AddDialog(Dialog):
    """Asks for the path of a song. Stays open until it is told that the paths were taken."""

    @dataclass
    class Chosen(Message):
        paths: tuple[str, ...]
        dialog: AddDialog

    def __init__(self, paths: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._paths = paths
        self._is_waiting = False
        """For what becomes of the paths that were chosen last."""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            entitle(box, "Add a song")
            yield PathInput(as_typed(self._paths), placeholder="/path/to/song.wav", select_on_focus=False)
            yield Words("Type, paste or drop a path. Enter adds it, Esc closes.", id="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (paths := paths_in(event.value)) and not self._is_waiting:
            self._is_waiting = True
            self.post_message(self.Chosen(paths, self))

    def accept(self) -> None:
        """All paths were taken: closes, unless something lies over it."""
        self._is_waiting = False
        if self.is_current:
            self.dismiss()

    def refuse(self, error: BridgeError, paths: Sequence[str]) -> None:
        """Says why the last of `paths` was not taken, and leaves only these in the field."""
        self._is_waiting = False
        if not self.is_attached:  # closed meanwhile
            return
        self.query_one(PathInput).value = as_typed(paths)
        self.query_one("#hint", Words).say(str(error))
        self.add_class("-refused")


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
            entitle(box, fit(self._job.name, 40).rstrip())
            yield Words(self._job.output_dir, id="folder")
            yield OptionList(
                list_option("The folder itself", id=self._job.output_dir),
                *(list_option(Path(path).name, id=path) for path in dict.fromkeys(paths)),
            )
            yield Words("Enter copies the path, Esc closes.", id="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Copied(event.option_id))
        self.dismiss()


class HelpDialog(Dialog):
    """The keys in words, and how a DAW reaches the bridge."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def compose(self) -> ComposeResult:
        keys = Text("\n").join(Text.assemble((f"{key.shown_as or key.keys:3}", "bold"), key.help) for key in KEYS)
        with Vertical() as box:
            entitle(box, "Help")
            yield Words(keys)
            yield Words("")
            yield Words("Arrows choose a job, Tab changes panels, Ctrl+P has every command.")
            yield Words(f"A DAW sends OSC to {self._address} (see docs/osc.md).")
            yield Words("Esc closes.", id="hint")


class QuitDialog(Dialog):
    """Asks before work is thrown away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,y", "leave", "Quit"), Binding("n", "dismiss", "Stay")]

    class Agreed(Message):
        pass

    def __init__(self, unfinished: tuple[Job, ...]) -> None:
        super().__init__()
        self._unfinished = unfinished

    def compose(self) -> ComposeResult:
        count = len(self._unfinished)
        first = self._unfinished[0].name
        what = (
            f"“{first}” is not done yet. Quitting cancels it"
            if count == 1
            else (f"{count} jobs are not done yet. Quitting cancels them")
        )
        with Vertical() as box:
            entitle(box, "Quit?")
            yield Words(f"{what}; finished files stay.")
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
        self.post_message(self.Agreed())


class FailedDialog(Dialog):
    """The bridge could not start, or broke down: says why, and the one way on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter,escape", "leave", "Quit")]

    class Read(Message):
        pass

    def __init__(self, error: BridgeError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            entitle(box, "The bridge cannot run")
            yield Words(self._error.message, id="message")
            yield Words(self._error.advice)
            with Horizontal():
                yield Button("Quit", id="leave", variant="primary")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_leave()

    def action_leave(self) -> None:
        self.post_message(self.Read())
