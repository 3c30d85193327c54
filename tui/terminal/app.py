"""The adapter between Textual and the terminal: no text is markup, no input byte is fatal, no failure is silent."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.driver import Driver
from textual.events import Resize
from textual.filter import LineFilter
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.worker import WorkerFailed

from bridge.errors import BridgeError, InternalError
from bridge.plain import plain
from tui.terminal.driver import ASK_BACKGROUND, Colour, forgiving, is_behind
from tui.terminal.line_filter import PlainTextFilter
from tui.terminal.painting import ChangedCells, Painted

log = logging.getLogger(__name__)

#: How often a terminal that is behind is looked at.
CATCH_UP_SECONDS = 0.25


class TerminalApp(App[None]):
    """An app that shows untrusted text safely, and whose `error` holds the reason of an unrequested exit."""

    @dataclass
    class Background(Message):
        """The terminal has told whether its background is light."""

        is_light: bool

    def __init__(self) -> None:
        self.error: BridgeError | None = None
        """The failure that ended the screen or keeps the bridge from running; None without one."""
        self.has_lost_terminal = False
        """Its window was closed: that nothing can be read or drawn any more is no failure."""
        self._has_missed_updates = False
        self._plain_text_filter = PlainTextFilter()
        super().__init__()
        self._painted = Painted(has_colour=not self.no_color)

    def get_driver_class(self) -> type[Driver]:
        return forgiving(super().get_driver_class(), self._on_input_fault, self._on_background)

    def ask_background(self) -> None:
        """Asks the terminal for its background; if it answers, `Background` comes."""
        if self._driver is not None and not self.is_headless and os.environ.get("TERM") != "linux":
            self._driver.write(ASK_BACKGROUND)
            self._driver.flush()

    def _on_background(self, colour: Colour) -> None:
        """Called on the input thread."""
        self.post_message(self.Background(is_light=_brightness(colour) > 0.5))

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), self._plain_text_filter)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Textual calls this with each update of the screen; `tui.terminal.painting` sends what differs.

        A terminal that is behind gets no update, and the whole picture once it has caught up.
        """
        if is_behind(self._driver):
            if not self._has_missed_updates:
                self._has_missed_updates = True
                self.set_timer(CATCH_UP_SECONDS, self._catch_up)
            return
        if isinstance(renderable, ChopsUpdate | LayoutUpdate):
            super()._display(screen, ChangedCells(renderable, self._painted))  # type: ignore[arg-type]
        else:
            super()._display(screen, renderable)

    def _catch_up(self) -> None:
        if is_behind(self._driver):
            self.set_timer(CATCH_UP_SECONDS, self._catch_up)
            return
        self._has_missed_updates = False
        self._painted.forget()
        self.refresh(layout=True)

    def on_ready(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self._painted.forget())

    def on_resize(self, event: Resize) -> None:  # noqa: ARG002 – Textual's signature
        self._painted.forget()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 – Textual's signature; nothing here is markup
    ) -> None:
        super().notify(plain(message), title=plain(title), severity=severity, timeout=timeout, markup=False)

    def panic(self, *renderables: RenderableType) -> None:  # noqa: ARG002 – users see no stack traces
        if self.error is None:
            self.error = InternalError("The screen broke down.")
        super().panic()

    def _handle_exception(self, error: Exception) -> None:
        """Textual calls this with each uncaught exception, and then ends the app; work beside it may fail alone."""
        if isinstance(error, WorkerFailed) and self.is_running:
            log.error("a part of the screen failed", exc_info=error.error)
            fault = InternalError(f"{type(error.error).__name__}: {error.error}.")
            self.notify(fault.advice, title=fault.message, severity="error")
            return
        self._record_fault(error)
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def _on_input_fault(self, error: Exception) -> None:
        """Called on the input thread, just before it ends."""
        self._record_fault(error)
        self.call_later(self.exit, return_code=1)

    def _record_fault(self, error: Exception) -> None:
        if self.has_lost_terminal and isinstance(error, OSError | EOFError):
            return
        log.error("the screen broke down", exc_info=error)
        if self.error is None:
            self.error = InternalError(f"{type(error).__name__}: {error}.")


def _brightness(colour: Colour) -> float:
    """From 0 to 1, by the eye's sensitivity (ITU-R BT.601)."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue
