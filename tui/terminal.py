"""What lies between Textual and the terminal: text is text, no byte ends the screen, and no end of it is silent."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from rich.console import RenderableType
from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter
from textual.notifications import SeverityLevel

from bridge.errors import BridgeError, InternalError
from bridge.plain import plain
from tui.driver import forgiving
from tui.line_filter import HarmlessText

log = logging.getLogger(__name__)


class TerminalApp(App[None]):
    """An app that shows text from anywhere, and that says in `error` why it ended where nobody asked it to."""

    def __init__(self) -> None:
        self.error: BridgeError | None = None
        """What ended the screen, or keeps its bridge from running; None where all is well."""
        self._harmless = HarmlessText()
        super().__init__()

    def get_driver_class(self) -> type[Driver]:
        return forgiving(super().get_driver_class(), self._on_reading_fault)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), self._harmless)

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

    def panic(self, *renderables: RenderableType) -> None:  # noqa: ARG002 – a musician is spared stack traces
        if self.error is None:
            self.error = InternalError("The screen broke down.")
        super().panic()

    def _handle_exception(self, error: Exception) -> None:
        """What no handler has caught ends a Textual app here."""
        self._note_fault(error)
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def _on_reading_fault(self, error: Exception) -> None:
        """Called on the thread that reads the keyboard, which ends by this."""
        self._note_fault(error)
        self.call_later(self.exit, return_code=1)

    def _note_fault(self, error: Exception) -> None:
        log.error("the screen broke down", exc_info=error)
        if self.error is None:
            self.error = InternalError(f"{type(error).__name__}: {error}.")
