"""The switchboard: the bridge's events go to the screen, the screen's wishes to the bridge."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import ClassVar

from textual.binding import BindingType
from textual.command import Provider
from textual.message import Message

from bridge.errors import BridgeError, InternalError, NotReadable
from bridge.events import Noticed
from bridge.protocols import Bridge, Clock
from bridge.system.clock import SystemClock
from tui.coalesce import Coalescer
from tui.commands import BridgeCommands
from tui.host import OpenBridge, ScreenHost
from tui.keys import bindings
from tui.screens.dialogs import AddDialog, FailedDialog, HelpDialog, QuitDialog, ResultsDialog
from tui.screens.main import MainScreen
from tui.screens.play_dialog import PlayDialog
from tui.state import ViewState, initial_view, view_after
from tui.terminal import TerminalApp
from tui.themes import NIGHT, THEMES, palette

log = logging.getLogger(__name__)

REDRAW_SECONDS = 0.1


def run(open_bridge: OpenBridge) -> None:
    """Opens the screen, and hosts the bridge in it until the user quits.

    Raises:
        BridgeError: the bridge could not start, or it or the screen broke down.
    """
    app = SabApp(open_bridge)
    app.run()
    if app.error is not None:
        raise app.error


class SabApp(TerminalApp):
    """Holds the bridge's task and the state; everything else is passed on."""

    TITLE = "Source Audio Bridge"
    CSS_PATH = "sab.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {BridgeCommands}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    @dataclass
    class Opened(Message):
        """The bridge runs."""

        hosted: ScreenHost

    class Redraw(Message):
        """It is time for the next picture."""

    def __init__(self, open_bridge: OpenBridge, *, clock: Clock | None = None, zone: tzinfo | None = None) -> None:
        """`zone` is where the log's times are; None: where this machine is."""
        super().__init__()
        self._open_bridge = open_bridge
        self._clock = clock or SystemClock()
        self._inbox = Coalescer(self._wake)
        self._host: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._hosted: ScreenHost | None = None
        self._main = MainScreen(zone)
        self._wanted = ""  # a job that was added here, to be selected as soon as it is in the table
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = NIGHT.name

    @property
    def state(self) -> ViewState:
        return self._main.state

    # The bridge's life

    async def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda _: self._colour())
        self._colour()
        await self.push_screen(self._main)
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._close)
        self._host = asyncio.create_task(self._host_bridge(), name="host the bridge")

    async def on_unmount(self) -> None:
        """However the screen closes, the bridge is ended with it."""
        self._leave.set()
        if self._host is not None:
            if self._hosted is None:  # still opening: nobody waits for that any more
                self._host.cancel()
            await asyncio.gather(self._host, return_exceptions=True)
        with suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)

    async def _host_bridge(self) -> None:
        """Opens and closes the bridge in one task, as context managers of asyncio expect."""
        try:
            with _in_words():
                async with self._open_bridge() as hosted:
                    self.post_message(self.Opened(hosted))
                    await self._leave.wait()
        except BridgeError as error:
            self._fail(error)
        else:
            if self.is_running:  # otherwise the screen closed first, and has its own result
                self.exit()

    def on_sab_app_opened(self, message: Opened) -> None:
        self._hosted = hosted = message.hosted
        hosted.bridge.subscribe(self._inbox.put)
        self._main.address = hosted.address
        self._main.state = initial_view(
            hosted.bridge.jobs(), hosted.bridge.status(), hosted.address, self._clock.unix_seconds()
        )
        self._main.refresh_bindings()

    def _fail(self, error: BridgeError) -> None:
        self.error, self._hosted = error, None
        if self._leave.is_set():
            self.on_failed_dialog_read()
        else:
            self.push_screen(FailedDialog(error))

    def _close(self) -> None:
        if self._hosted is None or self._host is None or self._leave.is_set():  # nothing to end, or asked twice
            self.exit()
            return
        self._leave.set()
        self._main.state = replace(self.state, worker="closing")
        self._main.refresh_bindings()

    def on_failed_dialog_read(self) -> None:
        self.exit(return_code=1)

    # From the bridge to the screen

    def _wake(self) -> None:
        asyncio.get_running_loop().call_later(REDRAW_SECONDS, self.post_message, self.Redraw())

    def on_sab_app_redraw(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Folds what has come in into the state, which draws it."""
        self._main.state = view_after(self.state, self._inbox.take(), self._clock.unix_seconds())
        if self._wanted in self.state.jobs:
            self._main.select(self._wanted)
            self._wanted = ""

    def _colour(self) -> None:
        self._main.palette = palette(self.theme_variables)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the bridge refuses is told in a toast and in the log."""
        try:
            with _in_words():
                yield
        except BridgeError as error:
            self._tell(error)

    def _tell(self, error: BridgeError) -> None:
        self.notify(error.advice, title=error.message, severity="error")
        self._inbox.put(Noticed(level="error", message=str(error)))

    # From the screen to the bridge

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 – Textual's signature
        """None, which greys a key out, where its action makes no sense now."""
        job = self._main.selected
        match action:
            case "cancel_job":
                possible = job is not None and not job.is_over
            case "play" | "follow":
                possible = job is not None and job.is_over and any(file.kind == "midi" for file in job.results)
            case "results":
                return True if job is not None and job.results else None
            case "add" | "stop" | "panic":
                possible = True
            case _:
                return True
        return True if possible and self._hosted is not None and not self._leave.is_set() else None

    def action_cancel_job(self) -> None:
        if self._hosted and (job := self._main.selected):
            with self._told():
                self._hosted.bridge.cancel(job.id)

    def action_play(self) -> None:
        if self._hosted and (job := self._main.selected):
            self.run_worker(self._play(self._hosted.bridge, job.id), exclusive=True, group="play")

    def action_follow(self) -> None:
        if job := self._main.selected:
            self.push_screen(PlayDialog(job))

    def on_play_dialog_chosen(self, message: PlayDialog.Chosen) -> None:
        if self._hosted:
            self.run_worker(self._play(self._hosted.bridge, message.job, message.sync), exclusive=True, group="play")

    async def _play(self, bridge: Bridge, job: str, sync: str | None = None) -> None:
        with self._told():
            await bridge.play(job, sync=sync)

    def action_stop(self) -> None:
        if self._hosted:
            with self._told():
                self._hosted.bridge.stop()

    def action_panic(self) -> None:
        if self._hosted:
            with self._told():
                self._hosted.bridge.panic()

    def action_add(self) -> None:
        self.push_screen(AddDialog())

    def on_main_screen_dropped(self, message: MainScreen.Dropped) -> None:
        if self._hosted:
            self.push_screen(AddDialog(message.paths))

    def on_add_dialog_chosen(self, message: AddDialog.Chosen) -> None:
        self.run_worker(self._add(message.paths, message.dialog), group="add")

    async def _add(self, paths: Sequence[str], dialog: AddDialog) -> None:
        """Submits files while the screen goes on: looking at one may take as long as its drive."""
        errors = await asyncio.gather(*map(self._submit, paths))
        refused = [(path, error) for path, error in zip(paths, errors, strict=True) if error is not None]
        for _, error in refused:
            self._tell(error)
        if refused:
            dialog.refuse(refused[-1][1], [path for path, _ in refused])
        else:
            dialog.accept()

    async def _submit(self, path: str) -> BridgeError | None:
        """Adds one file; returns why it was not taken."""
        if self._hosted is None:
            return None
        try:
            with _in_words():
                job, _ = await self._hosted.bridge.submit(self._hosted.request(path))
        except BridgeError as error:
            return error
        self._wanted = job.id
        return None

    def action_results(self) -> None:
        if job := self._main.selected:
            self.push_screen(ResultsDialog(job))

    def on_results_dialog_copied(self, message: ResultsDialog.Copied) -> None:
        try:
            self.copy_to_clipboard(message.path)
        except UnicodeEncodeError:
            self._tell(NotReadable("This name is no text, so it cannot be copied.", advice="Rename the file first."))
        else:
            self.notify(message.path, title="Copied")

    def action_help(self) -> None:
        self.push_screen(HelpDialog(self._main.address))

    async def action_quit(self) -> None:
        if self._hosted and self.state.unfinished and not self._leave.is_set():
            self.push_screen(QuitDialog(self.state.unfinished))
        else:
            self._close()

    def on_quit_dialog_agreed(self) -> None:
        self._close()


@contextmanager
def _in_words() -> Iterator[None]:
    """The last boundary: whatever goes wrong inside comes out as an error that a person can read.

    Its `__cause__` keeps the rest, and the log file the whole story.
    """
    try:
        yield
    except BridgeError:
        raise
    except Exception as error:
        log.exception("the bridge failed where it should have refused")
        raise InternalError(f"{type(error).__name__}: {error}") from error
