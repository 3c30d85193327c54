"""A grid of terminal cells, each of two halves one above the other, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.text import Text

UPPER, LOWER, BOTH = "▀", "▄", "█"


@dataclass
class CellGrid:
    """Cells of `columns` × `rows`; halves are counted from the top, two in a row."""

    columns: int
    rows: int
    background: str
    halves: list[list[str]] = field(init=False)
    """The colour of each half; empty: none."""
    characters: list[list[tuple[str, str]]] = field(init=False)
    """What stands in a cell without coloured halves, with its style."""

    def __post_init__(self) -> None:
        self.halves = [[""] * self.columns for _ in range(2 * self.rows)]
        self.characters = [[(" ", "")] * self.columns for _ in range(self.rows)]

    def lines(self, play_head: int | None, accent: str, *, first_row: int, has_colour: bool) -> list[Text]:
        """The rows as text; the play head is a column, drawn in `accent` from `first_row` on."""
        found = []
        for row in range(self.rows):
            cells = [self._cell(row, column, has_colour=has_colour) for column in range(self.columns)]
            if play_head is not None and 0 <= play_head < self.columns and row >= first_row:
                cells[play_head] = self._under_play_head(cells[play_head], accent)
            found.append(_line(cells))
        return found

    def _cell(self, row: int, column: int, *, has_colour: bool) -> tuple[str, str]:
        upper, lower = self.halves[2 * row][column], self.halves[2 * row + 1][column]
        if not upper and not lower:
            return self.characters[row][column]
        if upper and lower and (upper == lower or not has_colour):
            return BOTH, upper
        if upper and lower:
            return UPPER, f"{upper} on {lower}"
        return (UPPER, upper) if upper else (LOWER, lower)

    def _under_play_head(self, cell: tuple[str, str], accent: str) -> tuple[str, str]:
        character, style = cell
        if character in (UPPER, LOWER) and " on " not in style:
            return character, f"{style} on {accent}"
        return cell if character in (BOTH, UPPER) else ("┃", accent)


def _line(cells: Sequence[tuple[str, str]]) -> Text:
    """The cells as text, each run of one style in one piece."""
    text = Text(no_wrap=True, end="")
    run, run_style = "", cells[0][1] if cells else ""
    for character, style in cells:
        if style != run_style:
            text.append(run, run_style)
            run, run_style = "", style
        run += character
    text.append(run, run_style)
    return text
