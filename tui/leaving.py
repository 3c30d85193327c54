"""What quitting the screen means for its bridge."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tui.host import ScreenHost
from tui.host_task import HostTask
from tui.screens.dialogs.quit import QuitDialog
from tui.state import ViewState
from tui.terminal.app import TerminalApp

#: What becomes of the bridge when a screen has closed: it is closed too, it is to go on in the background, or it was
#: another process's and goes on.
Parting: TypeAlias = Literal["closed", "to be left running", "attached"]


class LeavingApp(TerminalApp):
    """Quits the screen: a bridge of its own process is closed or left running, an attached one goes on."""

    parting: Parting = "closed"
    _host: ScreenHost | None = None
    _host_task: HostTask
    _can_leave: bool
    """Whether the bridge of this process can be started again in the background."""

    @property
    def state(self) -> ViewState:
        raise NotImplementedError

    def _close(self) -> None:
        """Closes the bridge, or leaves it, and then the screen."""
        raise NotImplementedError

    async def action_quit(self) -> None:
        """Asks first where jobs would stop."""
        host, unfinished = self._host, self.state.unfinished
        if host is not None and not host.is_attached and unfinished and not self._host_task.is_closing:
            self.push_screen(QuitDialog(unfinished, are_kept=host.bridge.keeps_jobs, can_be_left=self._can_be_left))
        else:
            self._close()

    def on_quit_dialog_confirmed(self) -> None:
        self._close()

    def action_leave_running(self) -> None:
        """An attached screen ends, as with `quit`; a bridge of this process goes on in another one."""
        if self._can_be_left:
            self.parting = "to be left running"
            self._close()

    def on_quit_dialog_left_running(self) -> None:
        self.action_leave_running()

    @property
    def _can_be_left(self) -> bool:
        host = self._host
        return host is not None and (host.is_attached or (self._can_leave and host.bridge.keeps_jobs))

    def on_lost_dialog_left(self) -> None:
        self.exit()
