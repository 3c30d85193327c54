"""The models: what is here, what each is good for, downloads, and the one that jobs take by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import OptionList

from bridge.errors import BridgeError
from bridge.events import Event, Pulled, Pulling
from bridge.model import ModelInfo
from bridge.protocols import Bridge
from bridge.protocols.workshop import SettingView
from tui.boundary import only_bridge_errors
from tui.keys import MODELS, bindings
from tui.render.roles import Palette
from tui.render.rooms import model_details, model_row
from tui.widgets.key_bar import KeyBar
from tui.widgets.plain_text import PlainText, list_option, set_border_title


class ModelsScreen(Screen[None]):
    """Lists the models of a bridge; downloads go on when the screen is closed."""

    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (90, "-wide")]  # noqa: RUF012 – Textual declares it as it is
    TITLE = "Models"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MODELS)]
    DEFAULT_CSS = """
    ModelsScreen {
        #body { height: 1fr; }
        OptionList { width: 1fr; height: 1fr; border: none; padding: 0; background: $background; }
        #details { width: 1fr; height: 1fr; padding: 0 1; }
        &.-one #body { layout: vertical; }
    }
    """

    def __init__(self, bridge: Bridge, palette: Palette) -> None:
        super().__init__()
        self._bridge = bridge
        self._palette = palette
        self._models: dict[str, ModelInfo] = {}
        self._default = ""
        self._fractions: dict[str, float] = {}
        self._problems: dict[str, str] = {}
        self._end_listening: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield OptionList(id="models", markup=False)
            with VerticalScroll(id="details"):
                yield PlainText("Looking …", id="model")
        yield KeyBar()

    def on_mount(self) -> None:
        set_border_title(self.query_one(OptionList), "Models")
        set_border_title(self.query_one("#details"), "Details")
        self._end_listening = self._bridge.subscribe(self._on_event)
        self.run_worker(self._look(), group="models", exclusive=True)

    def on_unmount(self) -> None:
        self._end_listening()

    @property
    def selected(self) -> ModelInfo | None:
        index = self.query_one(OptionList).highlighted
        return None if index is None or index >= len(self._models) else [*self._models.values()][index]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 – Textual's
        """Greys out what the selected model does not need."""
        if not self.is_mounted or action not in ("pull", "cancel_pull", "make_default"):
            return True
        model = self.selected
        is_coming = model is not None and model.name in self._fractions
        possible = {
            "pull": model is not None and not model.present and not is_coming,
            "cancel_pull": is_coming,
            "make_default": model is not None and model.name != self._default,
        }
        return True if possible[action] else None

    def action_pull(self) -> None:
        if model := self.selected:
            self._problems.pop(model.name, None)
            self._bridge.workshop.pull(model.name)

    def action_cancel_pull(self) -> None:
        if model := self.selected:
            self._bridge.workshop.cancel_pull(model.name)

    def action_make_default(self) -> None:
        if model := self.selected:
            self.run_worker(self._make_default(model.name), group="default", exclusive=True)

    def action_close(self) -> None:
        self.dismiss()

    def on_option_list_option_highlighted(self) -> None:
        self._show_details()

    def on_option_list_option_selected(self) -> None:
        if self.check_action("pull", ()):
            self.action_pull()

    async def _look(self) -> None:
        """Asks the bridge for its models and the default one."""
        try:
            with only_bridge_errors():
                models = await self._bridge.models()
                self._take_default(await self._bridge.workshop.settings())
        except BridgeError as error:
            self.query_one("#model", PlainText).set_text(str(error))
            return
        self._models = {model.name: model for model in models}
        self._show()

    async def _make_default(self, name: str) -> None:
        try:
            with only_bridge_errors():
                await self._bridge.workshop.change_setting("engine", name)
        except BridgeError as error:
            self.notify(error.advice, title=error.message, severity="error")
            return
        self._default = name
        self._show()
        self.notify("It counts from the next start; jobs that name an engine keep theirs.", title=f"Default: {name}")

    def _take_default(self, settings: tuple[SettingView, ...]) -> None:
        self._default = next((view.text or view.default for view in settings if view.name == "engine"), "")

    def _on_event(self, event: Event) -> None:
        match event:
            case Pulling():
                self._fractions[event.name] = event.fraction
                self._show()
            case Pulled():
                self._fractions.pop(event.name, None)
                if event.failure is not None:
                    self._problems[event.name] = event.failure.message
                self.run_worker(self._look(), group="models", exclusive=True)

    def _show(self) -> None:
        shown = self.query_one(OptionList)
        place = shown.highlighted or 0
        shown.set_options(
            list_option(
                model_row(model, self._fractions.get(name), self._palette, is_default=name == self._default), id=name
            )
            for name, model in self._models.items()
        )
        shown.highlighted = min(place, len(self._models) - 1) if self._models else None
        self._show_details()

    def _show_details(self) -> None:
        if model := self.selected:
            text = model_details(model, self._palette, self._problems.get(model.name, ""))
            self.query_one("#model", PlainText).set_text(text)
        self.refresh_bindings()
