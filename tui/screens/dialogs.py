"""The dialogs: add a song, the files of a job, help, quit, and the failure of the bridge."""

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
from tui.widgets.words import PlainText, list_option, set_border_title


class Dialog(ModalScreen[None]):
    """A box over the main screen; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical { width: 72; max-width: 95%; height: auto; max-height: 90%; }
    Dialog Horizontal { height: auto; align-horizontal: right; }
    """


class PathInput(Input):
    """Accepts the path of a dropped file in every form that terminals paste."""

    def on_mount(self) -> None:
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        event.prevent_default()  # Textual would insert the first line alone, with its quotes
        event.stop()
        self.insert_text_at_cursor(as_typed(paths_in(event.text)))


class AddDialog(Dialog):
    """Asks for the path of a song. Stays open until `accept`."""

    @dataclass
    class Chosen(Message):
        paths: tuple[str, ...]
        dialog: AddDialog

    def __init__(self, paths: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._paths = paths
        self._is_waiting = False
        """The chosen paths are being submitted: neither `accept` nor `refuse` was called yet."""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "Add a song")
            yield PathInput(as_typed(self._paths), placeholder="/path/to/song.wav", select_on_focus=False)
            yield PlainText("Type, paste or drop a path. Enter adds it, Esc closes.", id="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (paths := paths_in(event.value)) and not self._is_waiting:
            self._is_waiting = True
            self.post_message(self.Chosen(paths, self))

    def accept(self) -> None:
        """All paths were submitted: closes, unless another screen is on top."""
        self._is_waiting = False
        if self.is_current:
            self.dismiss()

    def refuse(self, error: BridgeError, paths: Sequence[str]) -> None:
        """Shows why the last of `paths` was refused, and leaves only `paths` in the field."""
        self._is_waiting = False
        if not self.is_attached:  # the user has closed it
            return
        self.query_one(PathInput).value = as_typed(paths)
        self.query_one("#hint", PlainText).set_text(str(error))
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


class HelpDialog(Dialog):
    """The keys, and the address for a DAW."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def compose(self) -> ComposeResult:
        keys = Text("\n").join(Text.assemble((f"{key.shown_as or key.keys:3}", "bold"), key.help) for key in KEYS)
        with Vertical() as box:
            set_border_title(box, "Help")
            yield PlainText(keys)
            yield PlainText("")
            yield PlainText("Arrows choose a job, Tab changes panels, Ctrl+P has every command.")
            yield PlainText(f"A DAW sends OSC to {self._address} (see docs/osc.md).")
            yield PlainText("Esc closes.", id="hint")


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
