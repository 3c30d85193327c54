"""The file browser: type some letters of a name, Enter opens a folder or takes a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Input

from bridge.errors import BridgeError, NotReadable
from bridge.protocols.looking import FileLook
from tui.boundary import only_bridge_errors
from tui.render.file import file_row
from tui.render.fit import fit
from tui.render.roles import Palette
from tui.screens.add.listing import MOST_ENTRIES, FolderEntry, folder_entries, matching
from tui.widgets.lines import Lines
from tui.widgets.plain_text import PlainText, set_border_title

Look: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[FileLook]]]


class FileLines(Lines, can_focus=False):
    """The entries that match; only those that can be seen are drawn, and looked at."""

    entries: reactive[tuple[FolderEntry, ...]] = reactive(())
    looks: reactive[Mapping[str, FileLook]] = reactive(dict)
    """By path, what is known of files."""
    marked: reactive[tuple[str, ...]] = reactive(())
    cursor: reactive[int] = reactive(0)
    nothing: reactive[str] = reactive("")
    """Said where there is no entry."""

    class Clicked(Message):
        """The entry at the cursor was clicked."""

    class Moved(Message):
        """Other entries can be seen."""

    @property
    def at_cursor(self) -> FolderEntry | None:
        return self.entries[self.cursor] if self.cursor < len(self.entries) else None

    @property
    def in_sight(self) -> tuple[FolderEntry, ...]:
        top = self.scroll_offset.y
        return self.entries[top : top + max(1, self.scrollable_content_region.height)]

    def line(self, y: int, width: int) -> Text | None:
        index = self.scroll_offset.y + y
        if not self.entries and y == 0:
            return Text(fit(f"   {self.nothing}", width), self.palette.muted, no_wrap=True, end="")
        if index >= len(self.entries):
            return None
        entry = self.entries[index]
        return file_row(
            entry.name,
            self.looks.get(entry.path),
            width,
            self.palette,
            is_folder=entry.is_folder,
            selected=index == self.cursor,
            marked=entry.path in self.marked,
        )

    def watch_entries(self, entries: tuple[FolderEntry, ...]) -> None:
        self.virtual_size = Size(0, len(entries))
        self.cursor = 0
        self.scroll_to(y=0, animate=False)
        self.call_after_refresh(self.post_message, self.Moved())

    def watch_cursor(self, cursor: int) -> None:
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top <= cursor < top + height:
            self.scroll_to(y=cursor if cursor < top else cursor - height + 1, animate=False)
        self.call_after_refresh(self.post_message, self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.call_after_refresh(self.post_message, self.Moved())

    def move(self, lines: int) -> None:
        self.cursor = max(0, min(self.cursor + lines, len(self.entries) - 1))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        index = len(self.entries) if offset is None else self.scroll_offset.y + offset.y
        if index < len(self.entries):
            self.cursor = index
            self.post_message(self.Clicked())


class FileBrowser(ModalScreen[tuple[str, ...]]):
    """Returns the files that are taken, or one folder; nothing where it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
        Binding("tab", "mark", "Mark", priority=True),
        Binding("ctrl+a", "mark_all", "Mark all", priority=True),
        Binding("ctrl+g", "take_folder", "Folder", priority=True),
        Binding("ctrl+h", "home", "Home", priority=True),
    ]
    DEFAULT_CSS = """
    FileBrowser { align: center middle; }
    FileBrowser > Vertical { width: 100; max-width: 95%; height: 90%; }
    FileBrowser FileLines { height: 1fr; margin-top: 1; }
    FileBrowser #place { height: 1; }
    FileBrowser #keys { height: auto; }
    """

    def __init__(self, folder: str, look: Look, palette: Palette) -> None:
        super().__init__()
        self._folder = folder
        self._look = look
        self._palette = palette
        self._all: tuple[FolderEntry, ...] = ()
        self._asked: set[str] = set()
        """Files that were looked at, or are."""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            set_border_title(box, "Choose a song")
            yield PlainText("", id="place")
            yield Input(placeholder="some letters of its name")
            lines = FileLines()
            lines.palette = self._palette
            yield lines
            yield PlainText(
                "Enter opens a folder or takes a file, ← goes up, Tab marks several, Ctrl+A all, "
                "Ctrl+G takes the whole folder, Esc closes.",
                id="keys",
            )

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self._open(self._folder)

    def on_key(self, event: Message) -> None:
        key = getattr(event, "key", "")
        if not self.query_one(Input).value and key in ("left", "backspace"):
            event.stop()
            self._open(str(Path(self._folder).parent), came_from=self._folder)

    def _open(self, folder: str, came_from: str = "") -> None:
        self.run_worker(self._list(folder, came_from), exclusive=True, group="list")

    async def _list(self, folder: str, came_from: str) -> None:
        place, lines = self.query_one("#place", PlainText), self.query_one(FileLines)
        try:
            entries = await folder_entries(folder)
        except NotReadable as error:
            place.set_text(str(error))
            if not self._all and folder != str(Path.home()):
                self._open(str(Path.home()))
            return
        self._folder, self._all = folder, entries
        place.set_text(folder if len(entries) < MOST_ENTRIES else f"{folder}: {MOST_ENTRIES:,} of its entries")
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        lines.nothing = "No song and no folder is in here. ← goes up."
        lines.entries = entries
        lines.cursor = next((index for index, entry in enumerate(entries) if entry.path == came_from), 0)

    def on_input_changed(self, event: Input.Changed) -> None:
        lines = self.query_one(FileLines)
        lines.nothing = "Nothing here has these letters in this order."
        lines.entries = matching(self._all, event.value.strip())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    def on_file_lines_clicked(self) -> None:
        self._take()

    def on_file_lines_moved(self) -> None:
        wanted = [entry.path for entry in self.query_one(FileLines).in_sight if not entry.is_folder]
        wanted = [path for path in wanted if path not in self._asked]
        if wanted:
            self._asked.update(wanted)
            self.run_worker(self._look_at(wanted), group="look")

    async def _look_at(self, paths: Sequence[str]) -> None:
        try:
            with only_bridge_errors():
                found = await self._look(paths)
        except BridgeError:  # the line stays without its facts
            return
        lines = self.query_one(FileLines)
        lines.looks = {**lines.looks, **{look.path: look for look in found}}

    def action_move(self, lines: int) -> None:
        self.query_one(FileLines).move(lines)

    def action_mark(self) -> None:
        lines = self.query_one(FileLines)
        if (entry := lines.at_cursor) is not None and not entry.is_folder:
            is_marked = entry.path in lines.marked
            others = tuple(path for path in lines.marked if path != entry.path)
            lines.marked = others if is_marked else (*others, entry.path)
            lines.move(1)

    def action_mark_all(self) -> None:
        lines = self.query_one(FileLines)
        files = tuple(entry.path for entry in lines.entries if not entry.is_folder)
        lines.marked = () if set(files) <= set(lines.marked) else tuple(dict.fromkeys((*lines.marked, *files)))

    def action_take_folder(self) -> None:
        self.dismiss((self._folder,))

    def action_home(self) -> None:
        self._open(str(Path.home()))

    def action_leave(self) -> None:
        self.dismiss(())

    def _take(self) -> None:
        lines = self.query_one(FileLines)
        entry = lines.at_cursor
        if lines.marked:
            self.dismiss(lines.marked)
        elif entry is not None and entry.is_folder:
            self._open(entry.path)
        elif entry is not None:
            self.dismiss((entry.path,))
