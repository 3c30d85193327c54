"""The widgets of an opened job: they show lines, and tell where they are clicked."""

from __future__ import annotations

from dataclasses import dataclass

from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.message import Message

from tui.widgets.drawn import DrawnLines


class Panel(DrawnLines):
    """Lines that can be clicked on."""

    @dataclass
    class Resized(Message):
        """Its lines have to be drawn anew."""

    @dataclass
    class Clicked(Message):
        panel: Panel
        column: int
        row: int

        @property
        def control(self) -> Panel:
            return self.panel

    @dataclass
    class Wheeled(Message):
        panel: Panel
        column: int
        row: int
        steps: int
        """−1: up, 1: down."""
        with_ctrl: bool

        @property
        def control(self) -> Panel:
            return self.panel

    _fitted: int | None = None

    def fit_height(self, lines: int | None) -> None:
        """As many lines as it shows; None: what the style sheet gives it."""
        if lines != self._fitted:  # each new height lays the screen out again
            self._fitted = self.styles.height = lines

    def on_resize(self, event: Resize) -> None:
        event.stop()
        self.post_message(self.Resized())

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None:
            event.stop()
            self.post_message(self.Clicked(self, offset.x, offset.y))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheel(event, -1)

    def _wheel(self, event: MouseScrollDown | MouseScrollUp, steps: int) -> None:
        offset = event.get_content_offset(self)
        if offset is not None:
            event.stop()
            self.post_message(self.Wheeled(self, offset.x, offset.y, steps, event.ctrl))


class Title(Panel):
    """What the clip is, where the play head stands, and what goes on."""


class Mixer(Panel):
    """The stems."""


class RollPane(Panel):
    """The notes."""


class Sliders(Panel):
    """The settings that the notes are read with."""
