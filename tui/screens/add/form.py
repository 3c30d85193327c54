"""The form that adds songs: files, engine, stems, region, tempo, format, places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Paste
from textual.widgets import Input

from bridge.errors import BridgeError
from bridge.model import ModelInfo
from bridge.options.kinds import Choice
from bridge.options.paths import absolute_path, current_folder
from bridge.options.table import OPTIONS
from bridge.plain import plain
from bridge.protocols import Bridge
from bridge.protocols.looking import FileLook
from bridge.request import NOW, JobRequest
from bridge.stems import FOUR_STEMS
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from tui.boundary import only_bridge_errors
from tui.paths import as_typed, paths_in
from tui.render.file import look_words
from tui.render.roles import PLAIN, Palette
from tui.screens.add.browser import FileBrowser
from tui.screens.add.listing import PathSuggester
from tui.screens.add.region import RegionBar
from tui.screens.add.submission import folder_words
from tui.screens.add.values import (
    AUTO,
    TWO_STEMS,
    Filled,
    engine_chips,
    error_in,
    missing_stems,
    raw_value,
    stem_chips,
    stems_of_option,
    stems_option,
)
from tui.screens.dialogs.base import Dialog
from tui.widgets.chips import Chip, Chips
from tui.widgets.plain_text import PlainText, set_border_title

TWO = "two"
NOT_LIVE = "no"
_SYNC_CHIPS = (
    Chip(NOT_LIVE, "no"),
    Chip("now", "at once"),
    Chip("clock", "MIDI clock"),
    Chip("jack", "JACK"),
    Chip("link", "Link"),
)
#: Option → its label; its kind says what may be typed.
_TYPED = {"start": "Start", "end": "End", "tempo": "Tempo", "project": "Project", "out": "Folder"}


class PathInput(Input):
    """Accepts the path of a dropped file in every form that terminals paste."""

    def on_mount(self) -> None:
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        event.prevent_default()  # Textual would insert the first line alone, with its quotes
        event.stop()
        self.insert_text_at_cursor(as_typed(paths_in(event.text)))


class AddForm(Dialog):
    """Asks for songs and how they are separated. Stays open until `accept`.

    Args:
        on_filled: called with what was filled in, and this form, which is then accepted or refused.
        options: what the fields show at first, by the options' names.
        folder: where the browser starts.
        base: the request that is repeated; None: a new one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "Start"),
        Binding("ctrl+b", "browse", "Browse", priority=True),
        Binding("ctrl+l", "live", "Live", priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    AddForm > Vertical { width: 96; }
    AddForm .field { height: 1; margin-top: 0; align-horizontal: left; }
    AddForm .label { width: 9; color: $foreground 60%; }
    AddForm .field Input { width: 22; }
    AddForm #project, AddForm #out { width: 32; }
    AddForm .field .long { width: 1fr; }
    AddForm .error { width: 1fr; height: 1; margin-left: 1; color: $error; }
    AddForm #error-stems { margin-left: 9; display: none; }
    AddForm #facts { margin-left: 9; height: 1; color: $foreground 60%; }
    AddForm #facts.-bad { color: $error; }
    """

    def __init__(
        self,
        bridge: Bridge,
        on_filled: Callable[[Filled, AddForm], object],
        paths: tuple[str, ...] = (),
        *,
        options: Mapping[str, str] | None = None,
        default_sync: str = NOW,
        is_live: bool = False,
        folder: str = "",
        base: JobRequest | None = None,
        palette: Palette = PLAIN,
    ) -> None:
        super().__init__()
        self._bridge = bridge
        self._on_filled = on_filled
        self._paths = paths
        self._given = dict(options or {})
        self._default_sync = default_sync
        self._is_live = is_live
        self._folder = folder
        self._base = base
        self._palette = palette
        self._models: Sequence[ModelInfo] = ()
        self._all: tuple[str, ...] = FOUR_STEMS
        """The stems of the chosen engine."""
        self._look: FileLook | None = None
        """Of the only file, once it is known."""
        self._is_waiting = False
        """The chosen paths are being submitted: neither `accept` nor `refuse` was called yet."""

    def compose(self) -> ComposeResult:
        engine = self._given.get("engine", AUTO)
        format_kind = OPTIONS["format"].kind
        formats = format_kind.names if isinstance(format_kind, Choice) else ()
        chosen = self._stems_at_first()
        with Vertical() as box:
            set_border_title(box, "Add a song" if self._base is None else "Run again")
            yield self._field(
                "Song",
                PathInput(
                    as_typed(self._paths),
                    placeholder="a path; Ctrl+B browses",
                    select_on_focus=False,
                    suggester=PathSuggester(),
                    id="path",
                    classes="long",
                ),
            )
            yield PlainText("", id="facts")
            yield self._field("Engine", Chips(engine_chips((), 0.0, engine), (engine,), id="engine"))
            is_two = set(chosen) == set(TWO_STEMS)
            stems = Chips(stem_chips(), () if is_two else chosen, several=True, id="stems")
            stems.tooltip = "Space or 1–6 switch them."
            yield self._field("Stems", stems)
            yield self._field(
                "or", Chips((Chip(TWO, "vocals + instrumental"),), (TWO,) * is_two, several=True, id="two")
            )
            yield PlainText("", id="error-stems", classes="error")
            yield self._field("Part", RegionBar(id="region"))
            for name, label in _TYPED.items():
                yield self._field(label, self._input(name), PlainText("", id=f"error-{name}", classes="error"))
            yield self._field(
                "Format",
                Chips([Chip(name, name) for name in formats], (self._given.get("format", "wav"),), id="format"),
            )
            sync = self._default_sync if self._is_live else NOT_LIVE
            yield self._field("Live", Chips(_SYNC_CHIPS, (sync,), id="live"))
            yield PlainText("", id="hint")

    def _field(self, label: str, *widgets: Input | Chips | RegionBar | PlainText) -> Horizontal:
        return Horizontal(PlainText(label, id=None).add_class("label"), *widgets, classes="field")

    def _input(self, name: str) -> Input:
        field = Input(self._given.get(name, ""), placeholder=OPTIONS[name].words, id=name, select_on_focus=False)
        field.cursor_blink = False
        return field

    def _stems_at_first(self) -> tuple[str, ...]:
        typed = self._given.get("stems", "all")
        return stems_of_option(typed, FOUR_STEMS)

    async def on_mount(self) -> None:
        self._show_hint()
        self.query_one("#path", Input).focus()
        self.run_worker(self._ask_for_models(), group="models")
        self._look_again()

    async def _ask_for_models(self) -> None:
        with suppress(BridgeError), only_bridge_errors():  # the names that are known already can be chosen
            self._models = await self._bridge.models()
            self._follow_engine()
            self._show_engines()
            self._check_stems()

    def _show_engines(self) -> None:
        """Each with its time for the region."""
        bar, engines = self.query_one(RegionBar), self.query_one("#engine", Chips)
        engines.offer(engine_chips(self._models, self._seconds_of_file * (bar.end - bar.start), engines.value))

    @property
    def _seconds_of_file(self) -> float:
        return 0.0 if self._look is None else self._look.seconds

    # What the file is

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.remove_class("-refused")
        name = event.input.id or ""
        if name == "path":
            self._look_again()
        elif name in _TYPED:
            self.query_one(f"#error-{name}", PlainText).set_text(error_in(name, event.value))
            if name in ("start", "end"):
                self._show_region()
        self._show_hint()

    def _look_again(self) -> None:
        self.run_worker(self._look_at(paths_in(self.query_one("#path", Input).value)), exclusive=True, group="look")

    async def _look_at(self, paths: tuple[str, ...]) -> None:
        facts, bar = self.query_one("#facts", PlainText), self.query_one(RegionBar)
        self._look, bar.peaks, bar.words = None, b"", ""
        self._show_region()  # also the times of the engines: those of the file before would stay
        facts.remove_class("-bad")
        if len(paths) != 1 or not Path(paths[0]).suffix:
            facts.set_text(f"{len(paths)} songs, one group" if len(paths) > 1 else "")
            if len(paths) == 1:
                facts.set_text(await folder_words(self._bridge, paths[0]))
            return
        try:
            path = await off_loop(lambda: _absolute(paths[0]), timeout_seconds=ANSWER_SECONDS)
            with only_bridge_errors():
                (look,) = await self._bridge.look([path])
        except (BridgeError, TimeoutError):  # said when it is sent
            return
        self._look = look
        facts.set_text(look_words(look))
        facts.set_class(look.refusal is not None, "-bad")
        self._show_region()
        if look.refusal is None and look.seconds:
            bar.words = "drawing the waveform …"
            try:
                with only_bridge_errors():
                    bar.peaks = await self._bridge.outline(look.path)
            except BridgeError as error:
                bar.words = error.message

    # The region, typed or drawn

    def _show_region(self) -> None:
        bar, seconds = self.query_one(RegionBar), self._seconds_of_file
        start, end = (self._seconds(name) for name in ("start", "end"))
        bar.start = min(start / seconds, 1.0) if seconds and start is not None else 0.0
        bar.end = max(bar.start, min(end / seconds, 1.0)) if seconds and end is not None else 1.0
        self._show_engines()

    def _seconds(self, name: str) -> float | None:
        text = self.query_one(f"#{name}", Input).value
        return None if not text.strip() or error_in(name, text) else float(raw_value(name, text))

    def on_region_bar_moved(self, message: RegionBar.Moved) -> None:
        seconds = self._seconds_of_file
        with self.prevent(Input.Changed):
            self.query_one("#start", Input).value = f"{message.start * seconds:.2f}" if message.start > 0 else ""
            self.query_one("#end", Input).value = f"{message.end * seconds:.2f}" if message.end < 1 else ""
        for name in ("start", "end"):
            self.query_one(f"#error-{name}", PlainText).set_text("")
        self._show_engines()

    # Choices

    def on_chips_changed(self, message: Chips.Changed) -> None:
        message.stop()
        if message.source.id == "engine":
            self._follow_engine()
        if message.source.id == "two":  # the preset stands alone
            self.query_one("#stems", Chips).chosen = () if message.source.chosen else self._all
        if message.source.id == "stems" and message.source.chosen:
            self.query_one("#two", Chips).chosen = ()
        self._check_stems()
        self._show_hint()

    def _follow_engine(self) -> None:
        """All stems of one engine become all of the next."""
        stems, offered = self.query_one("#stems", Chips), self._offered()
        if set(stems.chosen) == set(self._all):
            stems.chosen = tuple(chip.value for chip in stems.chips if chip.value in offered)
        self._all = offered

    def _check_stems(self) -> None:
        error = self.query_one("#error-stems", PlainText)
        error.set_text(self._stems_error())
        error.display = bool(self._stems_error())

    def _stems_error(self) -> str:
        engine, stems = self.query_one("#engine", Chips).value, self._chosen_stems()
        return missing_stems(stems, engine, self._models) if stems else "Choose at least one stem."

    def _chosen_stems(self) -> tuple[str, ...]:
        return TWO_STEMS if self.query_one("#two", Chips).chosen else self.query_one("#stems", Chips).chosen

    def _offered(self) -> tuple[str, ...]:
        engine = self.query_one("#engine", Chips).value
        return next((model.stems for model in self._models if model.name == engine), FOUR_STEMS)

    def action_live(self) -> None:
        """Switches between adding the song and playing it live."""
        live = self.query_one("#live", Chips)
        live.choose(self._default_sync if live.value == NOT_LIVE else NOT_LIVE)

    def action_browse(self) -> None:
        paths = paths_in(self.query_one("#path", Input).value)
        folder = str(Path(paths[0]).parent) if paths and Path(paths[0]).is_absolute() else self._folder
        browser = FileBrowser(folder or str(Path.home()), self._bridge.look, self._palette)
        self.app.push_screen(browser, self._take)

    def _take(self, paths: tuple[str, ...] | None) -> None:
        if paths:
            field = self.query_one("#path", Input)
            field.value = as_typed(paths)
            field.cursor_position = len(field.value)

    # Starting

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_start()

    def action_start(self) -> None:
        if self._is_waiting:
            return
        paths = paths_in(self.query_one("#path", Input).value)
        if not paths:
            self.action_browse()
            return
        typed = {name: self.query_one(f"#{name}", Input).value for name in _TYPED}
        wrong = next((name for name, text in typed.items() if error_in(name, text)), "")
        if wrong or self._stems_error():
            self.query_one(f"#{wrong or 'stems'}").focus()
            return
        options = {name: raw_value(name, text) for name, text in typed.items() if text.strip()}
        options |= self._chips_options()
        live = self.query_one("#live", Chips).value
        self._is_waiting = True
        self._on_filled(Filled(paths, options, None if live == NOT_LIVE else live, self._base), self)

    def _chips_options(self) -> dict[str, str]:
        return {
            "engine": self.query_one("#engine", Chips).value,
            "stems": stems_option(self._chosen_stems(), self._offered()),
            "format": self.query_one("#format", Chips).value,
        }

    def _show_hint(self) -> None:
        live = self.query_one("#live", Chips).value != NOT_LIVE
        starts = "plays it live, while it is separated" if live else "starts"
        self.query_one("#hint", PlainText).set_text(
            Text(f"Enter {starts}, Ctrl+B browses, Ctrl+L plays live, Esc closes.")
        )

    def accept(self) -> None:
        """All paths were submitted: closes, unless another screen is on top."""
        self._is_waiting = False
        if self.is_current:
            self.dismiss()

    def refuse(self, refused: Sequence[tuple[str, BridgeError]], added: int = 0) -> None:
        """Shows why files were refused, and leaves only these in the field; `added`: how many others go on."""
        self._is_waiting = False
        if not self.is_attached:  # the user has closed it
            return
        field = self.query_one("#path", Input)
        with self.prevent(Input.Changed):
            field.value = as_typed([path for path, _ in refused])
        self._look_again()
        lines = [plain(str(error)) for _, error in refused[:MOST_REASONS]]
        if len(refused) > MOST_REASONS:
            lines.append(f"… and {len(refused) - MOST_REASONS} more.")
        if added:
            lines.append(f"{added} {'other is' if added == 1 else 'others are'} queued.")
        self.query_one("#hint", PlainText).set_text(Text("\n".join(lines)))
        self.add_class("-refused")
        self.call_after_refresh(self.query_one(Vertical).scroll_end, animate=False)  # where the terminal is low


def _absolute(written: str) -> str:
    return absolute_path("path", written, current_folder())


#: Of refused files, so many are told of with their reason.
MOST_REASONS = 4
