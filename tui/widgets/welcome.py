"""What an empty screen shows: the demo at a key, and the first steps with each DAW."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Button, TabbedContent, TabPane

from bridge.connections.values import DAW_CLIENTS
from bridge.errors import BridgeError
from bridge.request import JobRequest
from tui.boundary import only_bridge_errors
from tui.demo_clip import own_demo_clip
from tui.host import ScreenHost
from tui.keys import FIRST_START, bindings
from tui.render.roles import PLAIN, Palette
from tui.render.status import welcome
from tui.widgets.plain_text import PlainText

#: How often a first message of a DAW is looked for.
LOOK_SECONDS = 2.0
#: DAW → its tab, and three lines to copy.
STEPS: Mapping[str, tuple[str, tuple[str, str, str]]] = {
    "live": (
        "Live",
        (
            "sab install live",
            "In Live: drag Source Audio Bridge from the browser onto an audio track",
            "Save the set, click an audio clip, press Separate",
        ),
    ),
    "ardour": (
        "Ardour",
        (
            "sab install ardour",
            "Edit → Lua Scripts → Script Manager: Source Audio Bridge: Take Apart, then Import",
            "Select a region; Edit → Lua Scripts → Source Audio Bridge: Take Apart",
        ),
    ),
    "reaper": (
        "REAPER",
        (
            "sab install reaper",
            "Actions → Show action list… → New action… → Load ReaScript…: Scripts/source_audio_bridge_take_apart.lua",
            "Select an item, and run source_audio_bridge_take_apart",
        ),
    ),
    "none": ("none", ("sab process song.wav", "sab submit song.wav play live", "sab send /sab/ping")),
}
_MARK = "✓"


class FirstWords(Widget):
    """The first words, for any width."""

    DEFAULT_CSS = "FirstWords { height: auto; text-align: center; width: 1fr; }"

    palette: reactive[Palette] = reactive(PLAIN)
    address: reactive[str] = reactive("", layout=True)

    def render(self) -> Text:
        return welcome(self.address, self.palette)


class Welcome(VerticalScroll, can_focus=False):
    """`heard` has the DAWs whose programs have said hello: their tabs have a mark."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(FIRST_START)]
    DEFAULT_CSS = """
    Welcome { align: center middle; }
    Welcome Button { margin: 1 0; }
    Welcome #centred { height: auto; align-horizontal: center; }
    Welcome TabbedContent { width: 100%; max-width: 110; height: auto; }
    Welcome TabPane { padding: 0 1; }
    """

    palette: reactive[Palette] = reactive(PLAIN)
    address: reactive[str] = reactive("")
    heard: reactive[frozenset[str]] = reactive(frozenset())

    host: ScreenHost | None = None
    """Once the bridge is open."""

    @dataclass
    class DemoReady(Message):
        """The clip that comes with the bridge is to be taken apart."""

        request: JobRequest

    def compose(self) -> ComposeResult:
        yield FirstWords().data_bind(Welcome.palette, Welcome.address)
        with VerticalScroll(id="centred", can_focus=False):
            yield Button("Try it with the demo's clip  (d)", id="demo", compact=True)
        with TabbedContent():
            for daw, (title, lines) in STEPS.items():
                with TabPane(title, id=daw):
                    yield PlainText(Text("\n").join(Text(f"{number}  {line}") for number, line in enumerate(lines, 1)))

    def on_mount(self) -> None:
        self.set_interval(LOOK_SECONDS, self._look_for_daws)

    def watch_heard(self, heard: frozenset[str]) -> None:
        for daw in heard & STEPS.keys():
            self.query_one(TabbedContent).get_tab(daw).label = f"{_MARK} {STEPS[daw][0]}"

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_demo()

    def action_demo(self) -> None:
        if host := self.host:
            self.run_worker(self._prepare_demo(host), exclusive=True, group="demo")

    async def _prepare_demo(self, host: ScreenHost) -> None:
        try:
            with only_bridge_errors():
                clip = await asyncio.to_thread(own_demo_clip)
                self.post_message(self.DemoReady(await host.request(str(clip))))
        except BridgeError as error:
            self.notify(error.advice, title=error.message, severity="error")

    def _look_for_daws(self) -> None:
        if (host := self.host) and self.display:
            work = partial(self._mark_daws, host)  # begun only if the screen still runs then
            self.run_worker(work, exclusive=True, group="welcome")  # type: ignore[arg-type]  # mypy: None is a result

    async def _mark_daws(self, host: ScreenHost) -> None:
        with suppress(BridgeError), only_bridge_errors():
            known = await host.bridge.connections()
            self.heard = frozenset(daw for daw in DAW_CLIENTS if known.has_heard_from(daw))
