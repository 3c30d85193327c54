"""A line of words to choose from: one of them, or several that are switched on and off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, Key
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from bridge.plain import plain


@dataclass(frozen=True)
class Chip:
    """One choice."""

    value: str
    words: str
    note: str = ""
    """What is said of it beside, in a quieter colour."""

    @property
    def cells(self) -> int:
        return cell_len(self.words) + (1 + cell_len(self.note) if self.note else 0)


class Chips(Widget, can_focus=True):
    """Shows `chips` in one line; where they do not fit, those around the cursor.

    The arrows move the cursor. Of one choice the cursor is the choice; several are switched by Space, by their number
    from 1, or by the mouse.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chips--on", "chips--off", "chips--note", "chips--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("home", "move(-1_000)", show=False),
        Binding("end", "move(1_000)", show=False),
        Binding("space", "switch", show=False),
    ]
    DEFAULT_CSS = """
    Chips { height: 1; width: 1fr; }
    Chips > .chips--on { text-style: bold; color: $primary; }
    Chips > .chips--off { color: $foreground 70%; }
    Chips > .chips--note { color: $foreground 50%; }
    Chips > .chips--cursor { text-style: bold reverse; color: $primary; }
    """

    chips: reactive[tuple[Chip, ...]] = reactive(())
    chosen: reactive[tuple[str, ...]] = reactive(())
    """The values that are on, in the order of `chips`."""
    cursor: reactive[int] = reactive(0)

    @dataclass
    class Changed(Message):
        source: Chips

        @property
        def control(self) -> Chips:
            return self.source

    def __init__(
        self,
        chips: Sequence[Chip],
        chosen: Sequence[str] = (),
        *,
        several: bool = False,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.several = several
        self.set_reactive(Chips.chips, tuple(chips))
        self.set_reactive(Chips.chosen, tuple(chosen))
        self.set_reactive(Chips.cursor, self._index_of(chosen[0]) if chosen and not several else 0)

    @property
    def value(self) -> str:
        """The one that is chosen; empty without one."""
        return self.chosen[0] if self.chosen else ""

    def offer(self, chips: Sequence[Chip]) -> None:
        """Other choices; what was chosen stays chosen where it is among them."""
        self.chips = tuple(chips)
        if not self.several:
            self.cursor = self._index_of(self.value)

    def action_move(self, chips: int) -> None:
        self.cursor = max(0, min(self.cursor + chips, len(self.chips) - 1))
        if not self.several and self.chips:
            self.choose(self.chips[self.cursor].value)

    def action_switch(self) -> None:
        if self.chips:
            self.choose(self.chips[self.cursor].value)

    def choose(self, value: str) -> None:
        """Chooses it, or switches it where several may be on."""
        if not self.several:
            chosen: tuple[str, ...] = (value,)
        else:
            on = {*self.chosen} ^ {value}
            chosen = tuple(chip.value for chip in self.chips if chip.value in on)
        self.cursor = self._index_of(value)
        if chosen != self.chosen:
            self.chosen = chosen
            self.post_message(self.Changed(self))

    def on_key(self, event: Key) -> None:
        if self.several and event.character and event.character.isdecimal():
            place = int(event.character) - 1
            if 0 <= place < len(self.chips):
                event.stop()
                self.choose(self.chips[place].value)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for index, start, end in self._places():
            if start <= offset.x < end:
                self.choose(self.chips[index].value)

    def render(self) -> Text:
        text = Text(no_wrap=True, end="")
        style = {
            name: self.get_component_rich_style(f"chips--{name}", partial=True)
            for name in ("on", "off", "note", "cursor")
        }
        last = len(self.chips) - 1
        for index, start, _ in self._places():
            chip = self.chips[index]
            text.append(" " * (start - text.cell_len))
            is_on = chip.value in self.chosen
            mark = ("■ " if is_on else "□ ") if self.several else ""
            words = style["cursor" if self.has_focus and index == self.cursor else "on" if is_on else "off"]
            text.append(mark, style["on" if is_on else "note"]).append(plain(chip.words), words)
            if chip.note:
                text.append(" ").append(plain(chip.note), style["note"])
            last = index
        if last < len(self.chips) - 1:
            text.append(" ›", style["note"])
        return text

    def _places(self) -> list[tuple[int, int, int]]:
        """(index, first cell, cell after the last) of each chip that is shown."""
        mark = 2 if self.several else 0
        width = [mark + chip.cells for chip in self.chips]
        first = 0
        while first < self.cursor and sum(width[first : self.cursor + 1]) + 2 * (self.cursor - first) > self.size.width:
            first += 1
        places: list[tuple[int, int, int]] = []
        start = 0
        for index in range(first, len(self.chips)):
            if start + width[index] > self.size.width - 2 * (index < len(self.chips) - 1) and places:
                break
            places.append((index, start, start + width[index]))
            start += width[index] + 2
        return places

    def _index_of(self, value: str) -> int:
        return next((index for index, chip in enumerate(self.chips) if chip.value == value), 0)
