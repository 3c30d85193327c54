"""Jump mode: a letter on every panel and row; typing it goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

from rich.text import Text
from textual.events import Click, Key
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from tui.widgets.plain_text import PlainText

LETTERS = "asdfghjklqwertyuiopzxcvbnm1234567890"
Place = tuple[Offset, Callable[[], object]]


@runtime_checkable
class HasPlaces(Protocol):
    """A widget in which one can go to more than itself, such as to a row."""

    def jump_places(self) -> Iterable[Place]:
        """Where each stands on the screen, and what goes there."""
        ...


def places_of(screen: Screen[object]) -> list[Place]:
    """What can be reached on a screen, from top to bottom, as many as there are letters."""
    shown = screen.size.region
    places = [place for widget in screen.focus_chain for place in _places(widget) if shown.contains_point(place[0])]
    return sorted(places, key=lambda place: (place[0].y, place[0].x))[: len(LETTERS)]


def _places(widget: Widget) -> Iterator[Place]:
    yield widget.region.offset, widget.focus
    if isinstance(widget, HasPlaces):
        yield from widget.jump_places()


class JumpLetter(PlainText):
    """The letter of one place."""

    DEFAULT_CSS = """
    JumpLetter {
        layer: letters; position: absolute; width: 3; height: 1;
        background: $primary; color: $background; text-style: bold;
    }
    """


class JumpScreen(ModalScreen[None]):
    """Shows the letters over the screen below; any other key closes it."""

    DEFAULT_CSS = """
    JumpScreen { layers: letters; }
    """

    def __init__(self, places: Iterable[Place]) -> None:
        super().__init__()
        self._places = dict(zip(LETTERS, places, strict=False))

    def compose(self) -> Iterator[Widget]:
        for letter, (offset, _) in self._places.items():
            label = JumpLetter(Text(f" {letter} "))
            label.styles.offset = (offset.x, offset.y)
            yield label

    def on_key(self, event: Key) -> None:
        event.stop()
        self._go(event.character or "")

    def on_click(self, event: Click) -> None:
        event.stop()
        self._go(next((letter for letter, (offset, _) in self._places.items() if _is_on(event, offset)), ""))

    def _go(self, letter: str) -> None:
        self.dismiss()
        if letter in self._places:
            self.app.call_later(self._places[letter][1])


def _is_on(event: Click, offset: Offset) -> bool:
    return event.screen_y == offset.y and offset.x <= event.screen_x < offset.x + 3
