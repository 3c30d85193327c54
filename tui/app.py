"""The switchboard: the bridge's events go to the screen, the user's requests to the bridge.

Screens that few sessions begin with are loaded when they are first opened.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.binding import BindingType
from textual.command import Provider
from textual.events import Key
from textual.message import Message
from textual.widgets import Input

from bridge.errors import BridgeError, NotReadable
from bridge.events import Noticed
from bridge.model import SCREEN, Job
from bridge.protocols import Bridge, Clock
from bridge.protocols.reading import StemView
from bridge.request import JobRequest, PlayRequest
from bridge.system.clock import SystemClock
from tui.availability import OF_MAIN_SCREEN, is_possible
from tui.boundary import only_bridge_errors
from tui.calls.calls import Calls
from tui.coalesce import Coalescer
from tui.commands import BridgeCommands
from tui.host import OpenBridge, ScreenHost, WaysBack
from tui.hosting import HostedApp, Parting
from tui.keys import bindings
from tui.memory import Memory
from tui.screens.connections.wire_log import WireLog
from tui.screens.dialogs.help import HelpDialog
from tui.screens.dialogs.play import PlayDialog
from tui.screens.dialogs.results import ResultsDialog
from tui.screens.dialogs.tempo import TempoDialog
from tui.screens.jump import JumpScreen, places_of
from tui.screens.main import MainScreen
from tui.screens.opened import OpenedScreen
from tui.state import ViewState, initial_view, view_after, with_earlier_log
from tui.themes import DAY, NIGHT, THEMES, WITHOUT_COLOUR, palette
from tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from tui.screens.job.screen import JobScreen

REDRAW_SECONDS = 0.1


def run(
    open_bridge: OpenBridge, memory: Memory, ways_back: WaysBack | None = None, *, can_leave: bool = False
) -> Parting:
    """Opens the screen and runs the bridge in it until the user quits.

    Args:
        ways_back: what can be done when an attached bridge has ended; None: the screen ends with it.
        can_leave: whether the caller can start the bridge again in the background.

    Raises:
        BridgeError: the bridge could not start, or the bridge or the screen failed.
    """
    app = SabApp(open_bridge, memory=memory, ways_back=ways_back, can_leave=can_leave)
    app.run()
    memory.close()
    if app.error is not None:
        raise app.error
    return app.parting


class SabApp(HostedApp):
    """Owns the bridge's task and the state; delegates everything else."""

    TITLE = "Source Audio Bridge"
    CSS_PATH = "sab.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {BridgeCommands}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    class Redraw(Message):
        """The screen is due to be drawn with the events that have arrived."""

    def __init__(
        self,
        open_bridge: OpenBridge,
        *,
        ways_back: WaysBack | None = None,
        can_leave: bool = False,
        clock: Clock | None = None,
        zone: tzinfo | None = None,
        memory: Memory | None = None,
    ) -> None:
        """As `run`. `zone` is the time zone of the log; None: the machine's. `memory`: None: nothing outlives us."""
        super().__init__(open_bridge, ways_back, can_leave=can_leave)
        self.memory = memory or Memory()
        self._clock = clock or SystemClock()
        self._inbox = Coalescer(self._schedule_redraw)
        self._zone = zone
        self._main = MainScreen(zone, self.memory, self._clock)
        self._wire_log = WireLog()
        self._calls = Calls(self, os.environ)
        self._job_to_select = ""  # id of a job that was added here, selected as soon as the table shows it
        for theme in THEMES:
            self.register_theme(theme)
        chosen = self.memory.choices.theme
        self._own_theme = NIGHT.name  # the one that we chose, while the user has chosen none
        self.theme = chosen if chosen in self.available_themes else NIGHT.name

    @property
    def state(self) -> ViewState:
        return self._main.state

    async def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _: self._on_theme())
        self._apply_palette()
        if not self.memory.choices.theme:
            self.ask_background()
        await self.push_screen(self._main)
        self.run_worker(self._calls.begin(), group="calls")
        self.open_host()

    async def on_unmount(self) -> None:
        self._calls.end()  # the bridge is closed next, by `HostedApp`

    def show_bridge(self, host: ScreenHost) -> None:
        self._main.host = host
        host.bridge.subscribe(self._inbox.put)
        self._calls.bell = host.bell
        self._main.address = host.address
        state = initial_view(
            host.bridge.jobs(),
            host.bridge.status(),
            host.address,
            self._clock.unix_seconds(),
            is_attached=host.is_attached,
        )
        self._main.state = with_earlier_log(state, self.state)  # of the bridge before, if that has gone
        self._main.refresh_bindings()
        self._main.query_one(Welcome).host = host

    def show_parting(self, worker: str, error: BridgeError | None = None) -> None:
        if error is not None:
            self._main.host = None
            self._inbox.put(Noticed(level="error", message=str(error)))
        self._main.state = replace(self.state, worker=worker)
        self._main.refresh_bindings()

    # From the bridge to the screen

    def _schedule_redraw(self) -> None:
        asyncio.get_running_loop().call_later(REDRAW_SECONDS, self.post_message, self.Redraw())

    def on_sab_app_redraw(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Folds the waiting events into the state, which draws it."""
        events, before = self._inbox.take(), self.state.jobs
        self._main.state = view_after(self.state, events, self._clock.unix_seconds())
        self._calls.after(events, before, self.state.jobs)
        for screen in self.screen_stack:
            if isinstance(screen, OpenedScreen):
                screen.take(events)
        if self._job_to_select in self.state.jobs:
            self._main.select(self._job_to_select)
            self._job_to_select = ""

    def on_terminal_app_background(self, message: SabApp.Background) -> None:
        """By day, score paper: the user's own choice counts more, also one made meanwhile."""
        if message.is_light and self.theme == self._own_theme and not self.memory.choices.theme:
            self._own_theme = self.theme = DAY.name

    def _on_theme(self) -> None:
        self._apply_palette()
        if self.theme != self._own_theme or self.memory.choices.theme:
            self.memory.remember(theme=self.theme)

    def _apply_palette(self) -> None:
        self._main.palette = WITHOUT_COLOUR if self.no_color else palette(self.theme_variables)

    @contextmanager
    def _errors_reported(self) -> Iterator[None]:
        """Shows a BridgeError of the block in a toast and in the log."""
        try:
            with only_bridge_errors():
                yield
        except BridgeError as error:
            self._report(error)

    def _report(self, error: BridgeError, *, is_told: bool = False) -> None:
        if not is_told:
            self.notify(error.advice, title=error.message, severity="error")
        self._inbox.put(Noticed(level="error", message=str(error)))

    # From the screen to the bridge

    def on_key(self, event: Key) -> None:
        """Keys that a slow line brings together with the one that opened a field are typed into that field."""
        if isinstance(self.focused, Input) and event.is_printable and event.character:  # its own keys end in it
            event.prevent_default()
            self.focused.insert_text_at_cursor(event.character)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 – Textual's signature
        """None, which greys out the key, where the action is not possible now."""
        if action in OF_MAIN_SCREEN and self.screen is not self._main and not self.screen.is_modal:
            return False
        if action == "ways_back":
            return self.is_lost
        is_open = self.bridge_is_open
        if action == "leave_running" and not self.can_be_left:
            return None
        return True if is_possible(action, self._main.selected_row, bridge_is_open=is_open) else None

    def on_jobs_screen_refused(self, message: MainScreen.Refused) -> None:
        self._report(message.error, is_told=message.is_told)

    def on_jobs_screen_added(self, message: MainScreen.Added) -> None:
        self._select_when_shown(message.job)

    def on_jobs_screen_copied(self, message: MainScreen.Copied) -> None:
        self._copy(message.path)

    def action_open(self) -> None:
        self._main.open_selected()

    def on_main_screen_opened(self, message: MainScreen.Opened) -> None:
        self._open_job(message.job)

    def _open_job(self, job: Job, beside: Mapping[str, StemView] | None = None) -> None:
        """A job's own screen; there is one at a time."""
        if self.host is None or not isinstance(self.screen, (MainScreen, OpenedScreen)):
            return
        playing, armed = (
            [stem for one, stem in pairs if one == job.id] for pairs in (self.state.playing, self.state.armed)
        )
        from tui.screens.job.screen import JobScreen

        screen = JobScreen(job, self.host, self._clock, playing=playing, armed=armed, beside=beside or {})
        if isinstance(self.screen, OpenedScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    @property
    def _opened_screen(self) -> OpenedScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, OpenedScreen)), None)

    async def action_quit(self) -> None:
        """Asks first, too, where an opened job has changes that are not written."""
        if self._opened_screen is None or self._opened_screen.may_leave("q"):
            await super().action_quit()

    def action_leave_running(self) -> None:
        if self._opened_screen is None or self._opened_screen.may_leave("b"):
            super().action_leave_running()

    def on_job_screen_followed(self, message: JobScreen.Followed) -> None:
        self._select_when_shown(message.job.id)
        self._open_job(message.job, message.beside)

    def action_clips(self) -> None:
        self._main.toggle_clips()
        self._main.refresh_bindings()

    def action_play(self) -> None:
        if self.host and (job := self._main.selected):
            self.run_worker(self._play(self.host.bridge, job.id), exclusive=True, group="play")

    def action_follow(self) -> None:
        if job := self._main.selected:
            self.push_screen(PlayDialog(job))

    def on_play_dialog_chosen(self, message: PlayDialog.Chosen) -> None:
        if opened := self._opened_screen:
            opened.follow(message.sync)
        elif self.host:
            self.run_worker(self._play(self.host.bridge, message.job, message.sync), exclusive=True, group="play")

    async def _play(self, bridge: Bridge, job: str, sync: str | None = None) -> None:
        with self._errors_reported():
            await bridge.play(job, sync=sync)

    def action_tempo(self) -> None:
        if (job := self._main.selected) and job.music is not None:
            self.push_screen(TempoDialog(job, job.music))

    def on_tempo_dialog_chosen(self, message: TempoDialog.Chosen) -> None:
        if self.host:
            self.run_worker(self._submit(self.host.bridge, message.request), group="add")

    async def _submit(self, bridge: Bridge, request: JobRequest) -> None:
        with self._errors_reported():
            job, _ = await bridge.submit(request, origin=SCREEN)
            self._select_when_shown(job.id)

    def action_stop(self) -> None:
        if self.host:
            with self._errors_reported():
                self.host.bridge.stop()

    def action_panic(self) -> None:
        if self.host:
            with self._errors_reported():
                self.host.bridge.panic()

    def _select_when_shown(self, job: str) -> None:
        self._job_to_select = job

    def on_welcome_demo_ready(self, message: Welcome.DemoReady) -> None:
        if self.host:
            self.run_worker(self._show_demo(self.host.bridge, message.request), group="demo")

    async def _show_demo(self, bridge: Bridge, request: JobRequest) -> None:
        """Opens the demo's job, and plays its notes where there are ports."""
        with self._errors_reported():
            if bridge.status().midi.ports:
                request = msgspec.structs.replace(request, play=PlayRequest(when_done=True))
            job, _ = await bridge.submit(request, origin=SCREEN)
            self._select_when_shown(job.id)
            self._open_job(job)

    def action_results(self) -> None:
        if job := self._main.selected:
            self.push_screen(ResultsDialog(job))

    def on_results_dialog_copied(self, message: ResultsDialog.Copied) -> None:
        self._copy(message.path)

    def _copy(self, path: str) -> None:
        try:
            self.copy_to_clipboard(path)
        except UnicodeEncodeError:
            self._report(
                NotReadable("This name is not valid text, so it cannot be copied.", advice="Rename the file first.")
            )
        else:
            self.notify(path, title="Copied")

    def action_help(self) -> None:
        self.push_screen(HelpDialog(self._main.address, self.screen.title or ""))

    def action_jump(self) -> None:
        self.push_screen(JumpScreen(places_of(self.screen)))

    def action_connections(self) -> None:
        if self.host:
            from tui.screens.connections.screen import ConnectionsScreen

            screen = ConnectionsScreen(
                self.host.bridge,
                self.host.address,
                self._wire_log,
                lambda: self._main.palette,
                self._clock,
                self._zone,
            )
            self.push_screen(screen)

    def action_models(self) -> None:
        if self.host:
            from tui.screens.models import ModelsScreen

            self.push_screen(ModelsScreen(self.host.bridge, self._main.palette))

    def action_settings(self) -> None:
        if self.host:
            from tui.screens.settings import SettingsScreen

            self.push_screen(SettingsScreen(self.host.bridge.workshop, self._main.palette))
