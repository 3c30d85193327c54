"""The switchboard: the bridge's events go to the screen, the user's requests to the bridge."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import PurePath
from typing import ClassVar

from textual.binding import BindingType
from textual.command import Provider
from textual.message import Message

from bridge.connections.values import DAW_CLIENTS
from bridge.errors import BridgeError, NotReadable
from bridge.events import Noticed
from bridge.groups.group import Group
from bridge.protocols import Bridge, Clock
from bridge.request import JobRequest
from bridge.system.clock import SystemClock
from bridge.system.ending import closing_window, hangup_signals
from tui.availability import is_possible
from tui.boundary import only_bridge_errors
from tui.coalesce import Coalescer
from tui.commands import BridgeCommands
from tui.demo_clip import own_demo_clip
from tui.host import OpenBridge, ScreenHost
from tui.host_task import HostTask
from tui.keys import bindings
from tui.memory import Memory
from tui.screens.add.form import AddForm
from tui.screens.add.submission import options_at_first, submit
from tui.screens.dialogs.failed import FailedDialog
from tui.screens.dialogs.help import HelpDialog
from tui.screens.dialogs.play import PlayDialog
from tui.screens.dialogs.quit import QuitDialog
from tui.screens.dialogs.results import ResultsDialog
from tui.screens.dialogs.tempo import TempoDialog
from tui.screens.jump import JumpScreen, places_of
from tui.screens.main import MainScreen
from tui.state import ViewState, initial_view, view_after
from tui.terminal.app import TerminalApp
from tui.themes import DAY, NIGHT, THEMES, WITHOUT_COLOUR, palette
from tui.widgets.welcome import Welcome

REDRAW_SECONDS = 0.1
#: How often the welcome looks for the first message of a DAW.
LOOK_SECONDS = 2.0


def run(open_bridge: OpenBridge, memory: Memory) -> None:
    """Opens the screen and runs the bridge in it until the user quits.

    Raises:
        BridgeError: the bridge could not start, or the bridge or the screen failed.
    """
    app = SabApp(open_bridge, memory=memory)
    app.run()
    memory.close()
    if app.error is not None:
        raise app.error


class SabApp(TerminalApp):
    """Owns the bridge's task and the state; delegates everything else."""

    TITLE = "Source Audio Bridge"
    CSS_PATH = "sab.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {BridgeCommands}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    @dataclass
    class Opened(Message):
        """The bridge is running."""

        host: ScreenHost

    class Redraw(Message):
        """The screen is due to be drawn with the events that have arrived."""

    def __init__(
        self,
        open_bridge: OpenBridge,
        *,
        clock: Clock | None = None,
        zone: tzinfo | None = None,
        memory: Memory | None = None,
    ) -> None:
        """`zone` is the time zone of the log; None: the machine's. `memory`: None: nothing outlives the process."""
        super().__init__()
        self.memory = memory or Memory()
        self._clock = clock or SystemClock()
        self._inbox = Coalescer(self._schedule_redraw)
        self._host_task = HostTask(open_bridge, self._on_opened, self._on_closed)
        self._host: ScreenHost | None = None
        self._main = MainScreen(zone)
        self._until_unmount = ExitStack()
        self._job_to_select = ""  # id of a job that was added here, selected as soon as the table shows it
        for theme in THEMES:
            self.register_theme(theme)
        chosen = self.memory.choices.theme
        self._own_theme = NIGHT.name  # the one that we chose, while the user has chosen none
        self.theme = chosen if chosen in self.available_themes else NIGHT.name

    @property
    def state(self) -> ViewState:
        return self._main.state

    # The bridge's lifetime

    async def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _: self._on_theme())
        self._apply_palette()
        if not self.memory.choices.theme:
            self.ask_background()
        await self.push_screen(self._main)
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(signal.SIGTERM, self._close)
            for number in hangup_signals():
                loop.add_signal_handler(number, self._on_window_closed)
        self._until_unmount.enter_context(closing_window(lambda: loop.call_soon_threadsafe(self._on_window_closed)))
        self._host_task.start()

    async def on_unmount(self) -> None:
        """Closes the bridge, for whatever reason the screen closes."""
        await self._host_task.end()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for number in (signal.SIGTERM, *hangup_signals()):
                asyncio.get_running_loop().remove_signal_handler(number)
        self._until_unmount.close()

    def _on_opened(self, host: ScreenHost) -> None:
        self.post_message(self.Opened(host))

    def _on_closed(self, error: BridgeError | None) -> None:
        if error is not None:
            self._fail(error)
        elif self.is_running:  # otherwise the screen closed first and has set its own return code
            self.exit()

    def on_sab_app_opened(self, message: Opened) -> None:
        self._host = host = message.host
        host.bridge.subscribe(self._inbox.put)
        self._main.address = host.address
        self._main.state = initial_view(
            host.bridge.jobs(), host.bridge.status(), host.address, self._clock.unix_seconds()
        )
        self._main.refresh_bindings()
        self._listening = self.set_interval(LOOK_SECONDS, self._look_for_daws)
        self._look_for_daws()

    def _look_for_daws(self) -> None:
        """While there is no job, the welcome marks the DAWs that have said hello."""
        if self._host is None or self.state.jobs:
            self._listening.stop()
        else:
            self.run_worker(self._mark_daws(self._host.bridge), exclusive=True, group="welcome")

    async def _mark_daws(self, bridge: Bridge) -> None:
        with suppress(BridgeError), only_bridge_errors():
            known = await bridge.connections()
            self._main.query_one(Welcome).heard = frozenset(daw for daw in DAW_CLIENTS if known.has_heard_from(daw))

    def _fail(self, error: BridgeError) -> None:
        self.error, self._host = error, None
        if self._host_task.is_closing:
            self.on_failed_dialog_dismissed()
        else:
            self.push_screen(FailedDialog(error))

    def _close(self) -> None:
        if self._host is None or self._host_task.is_closing:  # nothing to close, or a second request
            self.exit()
            return
        self._host_task.request_close()
        self._main.state = replace(self.state, worker="closing")
        self._main.refresh_bindings()

    def _on_window_closed(self) -> None:
        """The terminal has gone, which may be told twice: the bridge closes in order."""
        self.has_lost_terminal = True
        if not self._host_task.is_closing:
            self._close()

    def on_failed_dialog_dismissed(self) -> None:
        self.exit(return_code=1)

    # From the bridge to the screen

    def _schedule_redraw(self) -> None:
        asyncio.get_running_loop().call_later(REDRAW_SECONDS, self.post_message, self.Redraw())

    def on_sab_app_redraw(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Folds the waiting events into the state, which draws it."""
        self._main.state = view_after(self.state, self._inbox.take(), self._clock.unix_seconds())
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

    def _report(self, error: BridgeError) -> None:
        self.notify(error.advice, title=error.message, severity="error")
        self._inbox.put(Noticed(level="error", message=str(error)))

    # From the screen to the bridge

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 – Textual's signature
        """None, which greys out the key, where the action is not possible now."""
        is_open = self._host is not None and not self._host_task.is_closing
        return True if is_possible(action, self._main.selected_row, bridge_is_open=is_open) else None

    def action_cancel_job(self) -> None:
        if self._host and (row := self._main.selected_row):
            with self._errors_reported():
                if isinstance(row, Group):
                    self._host.bridge.cancel_group(row.id)
                else:
                    self._host.bridge.cancel(row.id)

    def action_clips(self) -> None:
        self._main.toggle_clips()
        self._main.refresh_bindings()

    def action_play(self) -> None:
        if self._host and (job := self._main.selected):
            self.run_worker(self._play(self._host.bridge, job.id), exclusive=True, group="play")

    def action_follow(self) -> None:
        if job := self._main.selected:
            self.push_screen(PlayDialog(job))

    def on_play_dialog_chosen(self, message: PlayDialog.Chosen) -> None:
        if self._host:
            self.run_worker(self._play(self._host.bridge, message.job, message.sync), exclusive=True, group="play")

    async def _play(self, bridge: Bridge, job: str, sync: str | None = None) -> None:
        with self._errors_reported():
            await bridge.play(job, sync=sync)

    def action_tempo(self) -> None:
        if (job := self._main.selected) and job.music is not None:
            self.push_screen(TempoDialog(job, job.music))

    def on_tempo_dialog_chosen(self, message: TempoDialog.Chosen) -> None:
        if self._host:
            self.run_worker(self._submit(self._host.bridge, message.request), group="add")

    async def _submit(self, bridge: Bridge, request: JobRequest) -> None:
        with self._errors_reported():
            job, _ = await bridge.submit(request)
            self._select_when_shown(job.id)

    def action_stop(self) -> None:
        if self._host:
            with self._errors_reported():
                self._host.bridge.stop()

    def action_panic(self) -> None:
        if self._host:
            with self._errors_reported():
                self._host.bridge.panic()

    def action_add(self) -> None:
        self._ask_for_songs()

    def action_live(self) -> None:
        self._ask_for_songs(is_live=True)

    def _ask_for_songs(self, paths: tuple[str, ...] = (), *, is_live: bool = False) -> None:
        if self._host:
            form = AddForm(
                self._host.bridge,
                paths,
                options=options_at_first(self._host, self.memory),
                default_sync=self._host.default_sync,
                is_live=is_live,
                folder=self.memory.choices.folder,
                palette=palette(self.theme_variables),
            )
            self.push_screen(form)

    def on_main_screen_dropped(self, message: MainScreen.Dropped) -> None:
        self._ask_for_songs(message.paths)

    def on_add_form_chosen(self, message: AddForm.Chosen) -> None:
        if self._host:
            self.run_worker(self._add(self._host, message), group="add")

    async def _add(self, host: ScreenHost, chosen: AddForm.Chosen) -> None:
        """Submits files without blocking the screen: a slow drive delays the check of a file."""
        dialog, filled = chosen.dialog, chosen.filled
        outcome = await submit(host, filled, self._select_when_shown)
        if outcome.added:
            self.memory.remember(add=filled.to_remember, folder=str(PurePath(filled.paths[-1]).parent))
        for _, error in outcome.refused:
            self._inbox.put(Noticed(level="error", message=str(error)))
        if outcome.refused:
            dialog.refuse(outcome.refused, outcome.added)
        else:
            dialog.accept()

    def _select_when_shown(self, job: str) -> None:
        self._job_to_select = job

    def on_welcome_demo_wanted(self) -> None:
        if self._host:
            self.run_worker(self._take_demo_apart(self._host), exclusive=True, group="demo")

    async def _take_demo_apart(self, host: ScreenHost) -> None:
        with self._errors_reported():
            clip = await asyncio.to_thread(own_demo_clip)
            await self._submit(host.bridge, await host.request(str(clip)))

    def action_results(self) -> None:
        if job := self._main.selected:
            self.push_screen(ResultsDialog(job))

    def on_results_dialog_copied(self, message: ResultsDialog.Copied) -> None:
        try:
            self.copy_to_clipboard(message.path)
        except UnicodeEncodeError:
            self._report(
                NotReadable("This name is not valid text, so it cannot be copied.", advice="Rename the file first.")
            )
        else:
            self.notify(message.path, title="Copied")

    def action_help(self) -> None:
        self.push_screen(HelpDialog(self._main.address))

    def action_jump(self) -> None:
        self.push_screen(JumpScreen(places_of(self.screen)))

    async def action_quit(self) -> None:
        if self._host and self.state.unfinished and not self._host_task.is_closing:
            self.push_screen(QuitDialog(self.state.unfinished, are_kept=self._host.bridge.keeps_jobs))
        else:
            self._close()

    def on_quit_dialog_confirmed(self) -> None:
        self._close()
