"""Tables and moving bars: Rich, where every string is text. No markup, no emoji codes, nothing a terminal obeys."""

from __future__ import annotations

from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn
from rich.table import Table
from rich.text import Text

from bridge.cli.output.terminal import OutputClosed, drop_output, writing
from bridge.plain import plain


class PlainConsole(Console):
    """Prints on standard output, or standard error; raises what `terminal.tell` raises."""

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False)

    def print(self, *objects: Any, **how: Any) -> None:
        with writing():
            super().print(*objects, **how)

    def render_str(self, text: str, **how: Any) -> Text:
        """Every string that is printed, or stands in a table, comes by here."""
        return super().render_str(plain(text), **how)

    def on_broken_pipe(self) -> NoReturn:
        """Rich would end the program from here, inside whatever printed."""
        drop_output()
        raise OutputClosed


def plain_table(*columns: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Table:
    """An empty table without a frame; the columns in `right` are flush right, those in `whole` never broken."""
    made = Table(box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, no_wrap=column in whole, justify="right" if column in right else "left")
    return made


def progress_bar(console: PlainConsole) -> Progress:
    """A bar that moves on a terminal and is nothing elsewhere: the task's description, then its field `left`."""
    return Progress(
        _Words("{task.description}"),
        BarColumn(),
        _Words("{task.percentage:>3.0f} %  {task.fields[left]}"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


class _Words(TextColumn):
    def render(self, task: Task) -> Text:
        return Text(plain(self.text_format.format(task=task)))
