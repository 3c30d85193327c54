"""The base of the dialogs."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen


class Dialog(ModalScreen[None]):
    """A box over the main screen; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical {
        width: 72; max-width: 95%; height: auto; max-height: 90%; overflow-y: auto; scrollbar-size-vertical: 1;
    }
    Dialog Horizontal { height: auto; align-horizontal: right; }
    """
