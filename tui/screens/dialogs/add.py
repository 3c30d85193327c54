"""The dialog that asks for the path of a song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input, OptionList

from bridge.errors import BridgeError
from bridge.request import NOW
from bridge.wording import SYNC_WORDS
from tui.paths import as_typed, paths_in
from tui.screens.dialogs.base import Dialog
from tui.widgets.plain_text import PlainText, list_option, set_border_title


class PathInput(Input):
    """Accepts the path of a dropped file in every form that terminals paste."""

    def on_mount(self) -> None:
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        event.prevent_default()  # Textual would insert the first line alone, with its quotes
        event.stop()
        self.insert_text_at_cursor(as_typed(paths_in(event.text)))


class AddDialog(Dialog):
    """Asks for the path of a song and, if its notes play live, for what they follow. Stays open until `accept`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "live", "Live", priority=True),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    DEFAULT_CSS = """
    AddDialog #live { display: none; height: auto; margin-top: 1; }
    AddDialog.-live #live { display: block; }
    """

    @dataclass
    class Chosen(Message):
        paths: tuple[str, ...]
        dialog: AddDialog
        sync: str | None
        """What the notes follow that play live; None: nothing plays."""

    def __init__(self, paths: tuple[str, ...] = (), *, default_sync: str = NOW, is_live: bool = False) -> None:
        super().__init__()
        self._paths = paths
        self._default_sync = default_sync
        self.set_class(is_live, "-live")
        self._is_waiting = False
        """The chosen paths are being submitted: neither `accept` nor `refuse` was called yet."""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield PathInput(as_typed(self._paths), placeholder="/path/to/song.wav", select_on_focus=False)
            with Vertical(id="live"):
                yield PlainText("Its notes play as soon as they are found, while it is separated:")
                options = OptionList(*(list_option(words, id=sync) for sync, words in SYNC_WORDS.items()))
                options.highlighted = [*SYNC_WORDS].index(self._default_sync)
                options.can_focus = False
                yield options
            yield PlainText("", id="hint")

    def on_mount(self) -> None:
        self._show_hint()

    def action_live(self) -> None:
        """Switches between adding the song and playing it live."""
        self.toggle_class("-live")
        self.remove_class("-refused")
        self._show_hint()

    def action_move(self, lines: int) -> None:
        options = self.query_one(OptionList)
        if lines < 0:
            options.action_cursor_up()
        else:
            options.action_cursor_down()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()  # a click chooses; Enter in the field adds

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (paths := paths_in(event.value)) and not self._is_waiting:
            self._is_waiting = True
            chosen = self.query_one(OptionList).highlighted_option if self.has_class("-live") else None
            self.post_message(self.Chosen(paths, self, None if chosen is None else chosen.id))

    def _show_hint(self) -> None:
        if self.has_class("-live"):
            title, enter, other = "Play a song live", "plays", "↑ and ↓ choose, Ctrl+L adds it without playing it."
        else:
            title, enter, other = "Add a song", "adds", "Ctrl+L plays its notes live, while it is separated."
        set_border_title(self.query_one(Vertical), title)
        hint = f"Type, paste or drop a path. Enter {enter} it, Esc closes.\n{other}"
        self.query_one("#hint", PlainText).set_text(Text(hint))

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
