"""The lifetime of the screen's bridge: opened with the screen, closed with it, left, lost, and found again."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from textual.binding import Binding, BindingType
from textual.message import Message

from bridge.errors import BridgeError, NotFound
from bridge.system.ending import closing_window, hangup_signals
from bridge.system.garbage import leave_out_what_stays
from tui.host import OpenBridge, ScreenHost, WaysBack
from tui.host_task import HostTask
from tui.screens.dialogs.failed import FailedDialog
from tui.screens.dialogs.lost import LostDialog
from tui.screens.dialogs.quit import QuitDialog
from tui.state import ViewState
from tui.terminal.app import TerminalApp

#: What becomes of the bridge when a screen has closed: it is closed too, it is to go on in the background, or it was
#: another process's and goes on.
Parting: TypeAlias = Literal["closed", "to be left running", "attached"]

#: Textual's own, and the main screen.
SCREENS_THAT_STAY = 2


class HostedApp(TerminalApp):
    """An app with a bridge, which runs in a task of its own. What is shown of it, a subclass says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "ways_back", "No bridge", key_display="Esc", tooltip="How the screen gets a bridge again.")
    ]

    @dataclass
    class Opened(Message):
        """The bridge is running."""

        host: ScreenHost

    def __init__(self, open_bridge: OpenBridge, ways_back: WaysBack | None, *, can_leave: bool) -> None:
        """`can_leave`: whether the bridge of this process can be started again in the background."""
        super().__init__()
        self.parting: Parting = "closed"
        self.host: ScreenHost | None = None
        """None before the bridge runs, and when it has gone."""
        self._ways_back, self._can_leave = ways_back, can_leave
        self._host_task = HostTask(open_bridge, self._on_opened, self._on_closed)
        self._until_unmount = ExitStack()
        self._is_whole = False
        """Whether the main screen stands; before, nothing can be shown or closed."""
        self._ends_early = False
        self._lost: BridgeError | None = None
        """Why there is no bridge, while the screen waits for the next one."""

    @property
    def is_lost(self) -> bool:
        """Whether the screen waits for a bridge, and its user has closed the dialog that says so."""
        return self._lost is not None and not isinstance(self.screen, LostDialog)

    @property
    def bridge_is_open(self) -> bool:
        """Whether the bridge runs, and is not being closed."""
        return self.host is not None and not self._host_task.is_closing

    @property
    def can_be_left(self) -> bool:
        """Whether the bridge can go on without this screen."""
        host = self.host
        return host is not None and (host.is_attached or (self._can_leave and host.bridge.keeps_jobs))

    @property
    def state(self) -> ViewState:
        """What is shown of the bridge."""
        raise NotImplementedError

    def show_bridge(self, host: ScreenHost) -> None:
        """Called when a bridge runs, also with the next one after it was lost."""
        raise NotImplementedError

    def show_parting(self, worker: str, error: BridgeError | None = None) -> None:
        """Called when the bridge is `closing`, or `gone`, and why."""
        raise NotImplementedError

    def on_load(self) -> None:
        """Listens to what ends the screen before the terminal is changed: it would stay as the screen has left it."""
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(signal.SIGTERM, self._on_terminated)
            for number in hangup_signals():
                loop.add_signal_handler(number, self._on_window_closed)
        self._until_unmount.enter_context(closing_window(lambda: loop.call_soon_threadsafe(self._on_window_closed)))

    def open_host(self) -> None:
        """Starts the bridge, unless the screen is to end before it is whole."""
        self._is_whole = True
        if self._ends_early:
            self.exit()
        else:
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

    def on_hosted_app_opened(self, message: Opened) -> None:
        self.host, self._lost = message.host, None
        self.show_bridge(message.host)
        if isinstance(self.screen, LostDialog):
            self.screen.dismiss()
        if not self.is_headless:  # tests open hundreds of screens in one process
            self.call_after_refresh(leave_out_what_stays)  # the history is shown first

    def _fail(self, error: BridgeError) -> None:
        is_lost = self.host is not None and self.host.is_attached
        if self._ways_back and (is_lost or error.code == NotFound.code) and not self._host_task.is_closing:
            self.host = None
            self._wait_for_another(self._ways_back, error)
            return
        self.error, self.host = error, None
        if self._host_task.is_closing:
            self.on_failed_dialog_dismissed()
        else:
            self.push_screen(FailedDialog(error))

    def _wait_for_another(self, ways_back: WaysBack, error: BridgeError) -> None:
        """The bridge has gone, or was never there: the next one is shown as soon as it runs.

        The screens above the first one are of that bridge, and go with it.
        """
        while len(self.screen_stack) > SCREENS_THAT_STAY:
            self.pop_screen()
        self.show_parting("gone", error)
        self._open(ways_back.wait)
        self._lost = error
        self.action_ways_back()

    def action_ways_back(self) -> None:
        """Says why there is no bridge, and what can be done."""
        if self._lost is not None:
            self.push_screen(LostDialog(self._lost))

    def _open(self, open_bridge: OpenBridge) -> None:
        self._host_task = HostTask(open_bridge, self._on_opened, self._on_closed)
        self._host_task.start()

    async def on_lost_dialog_start_chosen(self) -> None:
        if self._ways_back is not None and self.host is None:  # else one has come just now
            self._lost = None
            await self._host_task.end()
            self._open(self._ways_back.start)

    def on_lost_dialog_left(self) -> None:
        self.exit()

    def close(self) -> None:
        """Closes the bridge, or leaves an attached one, and ends the screen."""
        if self.host is not None and self.host.is_attached:
            self.parting = "attached"
        if not self.bridge_is_open:  # nothing to close, or a second request
            self.exit()
            return
        self._host_task.request_close()
        self.show_parting("closing")

    async def action_quit(self) -> None:
        """Asks first where jobs would stop."""
        host, unfinished = self.host, self.state.unfinished
        if host is not None and not host.is_attached and unfinished and self.bridge_is_open:
            self.push_screen(QuitDialog(unfinished, are_kept=host.bridge.keeps_jobs, can_be_left=self.can_be_left))
        else:
            self.close()

    def on_quit_dialog_confirmed(self) -> None:
        self.close()

    def action_leave_running(self) -> None:
        """An attached screen ends, as with `quit`; a bridge of this process goes on in another one."""
        if self.can_be_left:
            self.parting = "to be left running"
            self.close()

    def on_quit_dialog_left_running(self) -> None:
        self.action_leave_running()

    def _on_terminated(self) -> None:
        if self._is_whole:
            self.close()
        else:
            self._ends_early = True

    def _on_window_closed(self) -> None:
        """The terminal has gone, which may be told twice: the bridge closes in order."""
        self.has_lost_terminal = True
        if not self._host_task.is_closing:
            self._on_terminated()

    def on_failed_dialog_dismissed(self) -> None:
        self.exit(return_code=1)
