"""The settings: each with what it does, changed where it stands, and written into the user's own file."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Input, OptionList

from bridge.errors import BridgeError
from bridge.protocols.workshop import SettingView, Workshop
from tui.boundary import only_bridge_errors
from tui.keys import SETTINGS, bindings
from tui.render.roles import Palette
from tui.render.rooms import setting_details, setting_row
from tui.widgets.key_bar import KeyBar
from tui.widgets.plain_text import PlainText, list_option, set_border_title


class SettingsScreen(Screen[None]):
    """Lists the settings of a bridge. Enter edits one; the bridge checks the value, and writes it if it can be used."""

    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (90, "-wide")]  # noqa: RUF012 – Textual declares it as it is
    TITLE = "Settings"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SETTINGS)]
    DEFAULT_CSS = """
    SettingsScreen {
        #body { height: 1fr; }
        OptionList { width: 1fr; height: 1fr; border: none; padding: 0; background: $background; }
        #details { width: 1fr; height: 1fr; padding: 0 1; }
        Input { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
        #problem { display: none; padding: 0 1; color: $error; }
        &.-editing Input { display: block; }
        &.-refused #problem { display: block; }
        &.-one #body { layout: vertical; }
    }
    """

    def __init__(self, workshop: Workshop, palette: Palette) -> None:
        super().__init__()
        self._workshop = workshop
        self._palette = palette
        self._settings: list[SettingView] = []

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield OptionList(id="settings", markup=False)
            with VerticalScroll(id="details"):
                yield PlainText("Looking …", id="setting")
                yield Input(id="value")
                yield PlainText("", id="problem")
        yield KeyBar()

    def on_mount(self) -> None:
        set_border_title(self.query_one(OptionList), "Settings")
        set_border_title(self.query_one("#details"), "Details")
        self.run_worker(self._look(), group="settings", exclusive=True)

    @property
    def selected(self) -> SettingView | None:
        index = self.query_one(OptionList).highlighted
        return None if index is None or index >= len(self._settings) else self._settings[index]

    def action_edit(self) -> None:
        if setting := self.selected:
            self.add_class("-editing")
            field = self.query_one(Input)
            field.suggester = SuggestFromList(setting.choices, case_sensitive=False) if setting.choices else None
            field.placeholder = setting.default
            field.value = setting.text
            field.focus()

    def action_reset(self) -> None:
        if (setting := self.selected) and setting.text:
            self._change(setting, "")

    def action_close(self) -> None:
        """Ends the editing first, then closes the screen."""
        if self.has_class("-editing"):
            self._end_editing()
        else:
            self.dismiss()

    def on_option_list_option_highlighted(self) -> None:
        self._end_editing()
        self._show_details()

    def on_option_list_option_selected(self) -> None:
        self.action_edit()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if setting := self.selected:
            self._change(setting, event.value)

    def _change(self, setting: SettingView, text: str) -> None:
        self.run_worker(self._write(setting, text), group="settings", exclusive=True)

    async def _look(self) -> None:
        try:
            with only_bridge_errors():
                self._settings = [*await self._workshop.settings()]
        except BridgeError as error:
            self.query_one("#setting", PlainText).set_text(str(error))
            return
        self._show()

    async def _write(self, setting: SettingView, text: str) -> None:
        try:
            with only_bridge_errors():
                changed = await self._workshop.change_setting(setting.name, text)
        except BridgeError as error:
            self.query_one("#problem", PlainText).set_text(str(error))
            self.add_class("-refused")
            return
        self._settings = [changed if each.name == changed.name else each for each in self._settings]
        self._end_editing()
        self._show()

    def _end_editing(self) -> None:
        if self.has_class("-editing"):
            self.query_one(OptionList).focus()
        self.remove_class("-editing", "-refused")

    def _show(self) -> None:
        shown = self.query_one(OptionList)
        place = shown.highlighted or 0
        shown.set_options(list_option(setting_row(each, self._palette), id=each.name) for each in self._settings)
        shown.highlighted = min(place, len(self._settings) - 1) if self._settings else None
        self._show_details()

    def _show_details(self) -> None:
        if setting := self.selected:
            self.query_one("#setting", PlainText).set_text(setting_details(setting, self._palette))
