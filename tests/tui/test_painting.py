"""What is sent to the terminal: only the cells that differ, and with them it shows what Textual has drawn."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.terminal.painting import Painted

WIDTH = 12
CONSOLE = Console(color_system="truecolor", force_terminal=True)
_TOKEN = re.compile(r"\x1b\[(?P<row>\d+);(?P<column>\d+)H|(?P<code>\x1b\[[0-9;]*m)|(?P<character>.)", re.DOTALL)

lines = st.text(st.sampled_from("ab 日é▏"), max_size=WIDTH)
styled = st.lists(st.tuples(lines, st.sampled_from(["red", "bold", "on blue", "none"])), max_size=3)


class Terminal:
    """Shows what is sent, as terminals do: a cell of a wide character that is overwritten loses its other cell."""

    def __init__(self, rows: int) -> None:
        self.rows = [[(" ", "")] * WIDTH for _ in range(rows)]

    def draw(self, sent: str) -> None:
        row = column = 0
        code = ""
        for token in _TOKEN.finditer(sent):
            if token["row"]:
                row, column = int(token["row"]) - 1, int(token["column"]) - 1
            elif token["code"]:
                code = "" if token["code"] == "\x1b[0m" else code + token["code"]
            else:
                cells = get_character_cell_size(token["character"])
                line = self.rows[row]
                if line[column][0] == "":
                    line[column - 1] = (" ", "")
                if column + cells < WIDTH and line[column + cells][0] == "":
                    line[column + cells] = (" ", "")
                line[column : column + cells] = [(token["character"], code), *[("", code)] * (cells - 1)]
                column += cells


def strip_of(parts: list[tuple[str, str]]) -> Strip:
    segments = [Segment(text, Style.parse(style)) for text, style in parts]
    return Strip(segments).adjust_cell_length(WIDTH)


def full(strips: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[strip] for strip in strips], Region(0, 0, WIDTH, len(strips)))


@given(st.lists(st.lists(styled, min_size=2, max_size=2), min_size=1, max_size=5))
def test_the_terminal_shows_the_last_update_whatever_was_there(updates: list[list[list[tuple[str, str]]]]) -> None:
    painted, terminal, fresh = Painted(), Terminal(2), Terminal(2)
    for update in updates:
        terminal.draw(painted.changes(full([strip_of(parts) for parts in update]), CONSOLE))
    fresh.draw(Painted().changes(full([strip_of(parts) for parts in updates[-1]]), CONSOLE))
    assert terminal.rows == fresh.rows


def test_only_what_differs_is_sent() -> None:
    painted = Painted()
    assert painted.changes(full([Strip([Segment("bass    81")])]), CONSOLE) == "\x1b[1;1Hbass    81"
    assert painted.changes(full([Strip([Segment("bass    82")])]), CONSOLE) == "\x1b[1;10H2"
    assert painted.changes(full([Strip([Segment("bass    82")])]), CONSOLE) == ""


def test_after_a_change_by_others_everything_is_sent() -> None:
    painted, update = Painted(), full([Strip([Segment("drums")])])
    first = painted.changes(update, CONSOLE)
    painted.forget()
    assert painted.changes(update, CONSOLE) == first


def test_a_part_of_the_screen_is_cut_to_what_has_changed() -> None:
    chops = [{0: Strip([Segment("vocals")]), 6: Strip([Segment("drums ")])}]
    sent = Painted().changes(ChopsUpdate(chops, [(0, 8, 12)], [[6, 12]]), CONSOLE)
    assert sent == "\x1b[1;9Hums "


def test_without_colours_only_bold_and_its_like_are_sent() -> None:
    strip = Strip([Segment("now", Style.parse("bold red on blue"))])
    assert Painted(has_colour=False).changes(full([strip]), CONSOLE) == "\x1b[1;1H\x1b[1mnow\x1b[0m"


def test_characters_that_join_stay_together() -> None:
    flag = "🇩🇪"
    painted = Painted()
    sent = painted.changes(full([Strip([Segment(f"{flag}x")])]), CONSOLE)
    assert sent.endswith(f"{flag}x")
    assert painted.changes(full([Strip([Segment(f"{flag}y")])]), CONSOLE) == f"\x1b[1;{cell_len(flag) + 1}Hy"
