"""What the terminal shows, cell by cell: of each update only the cells that differ are sent.

Textual sends a widget anew as a whole, whatever in it has changed: an arrow key in the table of jobs cost 12 kB, since
the panel of details follows the selection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

#: The code before a cell's text, and the text; a wide character's other cells have no text.
_Cell = tuple[str, str]
_RESET = "\x1b[0m"
#: So many equal cells between two that differ are sent again: moving the cursor costs about as much.
_GAP = 6


class Painted:
    """The cells that the terminal shows, as far as they are known."""

    def __init__(self, *, has_colour: bool = True) -> None:
        self._rows: dict[int, list[_Cell | None]] = {}
        self._codes: dict[Style | None, str] = {}
        self._has_colour = has_colour

    def forget(self) -> None:
        """The terminal may show something else: the next update is sent whole."""
        self._rows.clear()

    def changes(self, update: ChopsUpdate | LayoutUpdate, console: Console) -> str:
        """The text that brings the terminal from what it shows to `update`."""
        sent: list[str] = []
        code = ""
        for y, x, strip in _placed(update):
            cells = [*self._cells(strip, console)]
            for start, end in self._differing(y, x, cells):
                sent.append(f"\x1b[{y + 1};{x + start + 1}H")
                for before, text in cells[start:end]:
                    if before != code:
                        sent.append(_RESET + before if code else before)
                        code = before
                    sent.append(text)
        if code:
            sent.append(_RESET)
        return "".join(sent)

    def _differing(self, y: int, x: int, cells: list[_Cell]) -> Iterator[tuple[int, int]]:
        """The spans of `cells` that the terminal does not show yet; it does from now on."""
        row = self._rows.setdefault(y, [])
        if len(row) < x + len(cells):
            row.extend([None] * (x + len(cells) - len(row)))
        shown = row[x : x + len(cells)]
        if shown == cells:
            return
        row[x : x + len(cells)] = cells
        start = end = -1
        for index, (old, new) in enumerate(zip(shown, cells, strict=True)):
            if old == new:
                continue
            if start >= 0 and index - end > _GAP:
                yield _whole(start, end, shown, cells)
                start = -1
            if start < 0:
                start = index
            end = index + 1
        yield _whole(start, end, shown, cells)

    def _cells(self, strip: Strip, console: Console) -> Iterator[_Cell]:
        for text, style, control in strip:
            if control:
                continue
            code = self._code(style, console)
            if len(text) == cell_len(text) == sum(map(get_character_cell_size, text)):
                for character in text:
                    yield code, character
                continue
            for unit in _units(text):
                yield code, unit
                yield from [(code, "")] * (cell_len(unit) - 1)

    def _code(self, style: Style | None, console: Console) -> str:
        if style not in self._codes:
            drawn = style if style is None or self._has_colour else style.without_color
            system = console._color_system
            rendered = "\0" if drawn is None else drawn.render("\0", color_system=system)
            self._codes[style] = rendered.partition("\0")[0]
        return self._codes[style]


class ChangedCells(CompositorUpdate):
    """An update that sends only what differs from what is painted."""

    def __init__(self, update: ChopsUpdate | LayoutUpdate, painted: Painted) -> None:
        self._update = update
        self._painted = painted

    def render_segments(self, console: Console) -> str:
        return self._painted.changes(self._update, console)


def _placed(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Row, column and text of each part of an update."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, first, end in update.spans:
        for stop, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is not None and x < end and stop > first:
                left, right = max(x, first), min(stop, end)
                yield y, left, chop.crop(left - x, right - x)


def _units(text: str) -> Iterable[str]:
    """Characters with those of no width that belong to them; the whole text where characters join to fewer cells."""
    units: list[str] = []
    for character in text:
        if units and not get_character_cell_size(character):
            units[-1] += character
        else:
            units.append(character)
    return units if sum(map(cell_len, units)) == cell_len(text) else [text]


def _whole(start: int, end: int, shown: list[_Cell | None], cells: list[_Cell]) -> tuple[int, int]:
    """The span, widened so that it cuts no wide character, neither of those shown nor of the new ones."""

    def cuts(index: int) -> bool:
        old = shown[index] if index < len(shown) else None
        return index < len(cells) and (cells[index][1] == "" or (old is not None and old[1] == ""))

    while start > 0 and cuts(start):
        start -= 1
    while cuts(end):
        end += 1
    return start, end
