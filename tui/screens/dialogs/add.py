"""The dialog that asks for the path of a song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from bridge.errors import BridgeError
from tui.paths import as_typed, paths_in
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, set_border_title


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
