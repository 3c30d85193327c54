"""The waveform of a clip, and the region that is chosen on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import MouseDown, MouseMove
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from bridge.plain import plain
from tui.render.waveform import waveform_of


class RegionBar(Widget, can_focus=True):
    """Shows `peaks` and the region from `start` to `end`, both 0–1 of the clip.

    The arrows move the edge that is in hand by a cell, Space takes the other; the mouse draws a region.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"region--in", "region--out", "region--edge", "region--words"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("shift+left", "move(-10)", show=False),
        Binding("shift+right", "move(10)", show=False),
        Binding("space", "other_edge", show=False),
        Binding("backspace,delete", "whole", show=False),
    ]
    DEFAULT_CSS = """
    RegionBar { height: 1; width: 1fr; }
    RegionBar > .region--in { color: $primary; background: $panel; }
    RegionBar > .region--out { color: $foreground 35%; }
    RegionBar > .region--edge { text-style: bold reverse; color: $primary; }
    RegionBar > .region--words { color: $foreground 50%; }
    """

    peaks: reactive[bytes] = reactive(b"")
    words: reactive[str] = reactive("")
    """Shown while there are no peaks: why."""
    start: reactive[float] = reactive(0.0)
    end: reactive[float] = reactive(1.0)
    holds_end: reactive[bool] = reactive(False)
    """Which edge the arrows move."""

    @dataclass
    class Moved(Message):
        """A person has moved an edge."""

        start: float
        end: float

    _drawn_from: float | None = None

    def action_move(self, cells: int) -> None:
        step = cells / max(1, self.size.width)
        if self.holds_end:
            self._set(self.start, self.end + step)
        else:
            self._set(self.start + step, self.end)

    def action_other_edge(self) -> None:
        self.holds_end = not self.holds_end

    def action_whole(self) -> None:
        self._set(0.0, 1.0)

    def on_mouse_down(self, event: MouseDown) -> None:
        self.capture_mouse()
        self._drawn_from = self._place(event.x)

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._drawn_from is not None:
            self._set(*sorted((self._drawn_from, self._place(event.x))))

    def on_mouse_up(self) -> None:
        self.release_mouse()
        self._drawn_from = None

    def _place(self, x: int) -> float:
        return max(0.0, min(x / max(1, self.size.width), 1.0))

    def _set(self, start: float, end: float) -> None:
        least = 1 / max(1, self.size.width)
        if self.holds_end:
            end = max(start + least, min(end, 1.0))
        start = max(0.0, min(start, end - least))
        if (start, end) != (self.start, self.end):
            self.start, self.end = start, end
            self.post_message(self.Moved(start, end))

    def render(self) -> Text:
        style = {
            name: self.get_component_rich_style(f"region--{name}", partial=True)
            for name in ("in", "out", "edge", "words")
        }
        width = self.size.width
        if not self.peaks:
            return Text(plain(self.words), style["words"], no_wrap=True, overflow="ellipsis", end="")
        text = Text(no_wrap=True, end="")
        first, last = round(self.start * width), max(round(self.start * width), round(self.end * width) - 1)
        in_hand = last if self.holds_end else first
        for cell, sign in enumerate(waveform_of(self.peaks, width)):
            is_edge = self.has_focus and cell == in_hand
            text.append(sign, style["edge" if is_edge else "in" if first <= cell <= last else "out"])
        return text
