"""Tables and progress bars with Rich, where every string is plain text: no markup, emoji codes or escape sequences."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from bridge.cli.output.terminal import OutputClosed, drop_output, writing
from bridge.plain import plain

_Report = TypeVar("_Report", bound="BarReport")


class PlainConsole(Console):
    """Prints on standard output, or standard error; raises the errors of `terminal.writing`."""

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False)

    def print(self, *objects: Any, **how: Any) -> None:
        with writing():
            super().print(*objects, **how)

    def render_str(self, text: str, **how: Any) -> Text:
        """Called for every string that is printed, also in a table."""
        return super().render_str(plain(text), **how)

    def on_broken_pipe(self) -> NoReturn:
        """Raises an error instead of exiting, as Rich would."""
        drop_output()
        raise OutputClosed


def plain_table(*columns: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Table:
    """An empty table without borders; columns in `right` are right-aligned, those in `whole` are never wrapped."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in whole, justify="right" if column in right else "left")
    return table


class PlainProgress(Progress):
    """Progress bars; that they cannot be drawn, because the terminal's window was closed, is no error."""

    def start(self) -> None:
        with contextlib.suppress(OSError):
            super().start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            super().stop()


def progress_bar(console: PlainConsole) -> PlainProgress:
    """A progress bar, shown only on a terminal, between the task's description and its field `left`."""
    return PlainProgress(
        _PlainColumn("{task.description}"),
        BarColumn(),
        _PlainColumn("{task.percentage:>3.0f} %  {task.fields[left]}"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


class BarReport:
    """A report with a progress bar, which is drawn while the block runs."""

    def __init__(self, console: PlainConsole) -> None:
        self._console = console
        self._bar = progress_bar(console)
        self._task: TaskID = self._bar.add_task("", total=1.0, left="")

    def __enter__(self: _Report) -> _Report:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class _PlainColumn(TextColumn):
    def render(self, task: Task) -> Text:
        return Text(plain(self.text_format.format(task=task)))
