"""Calls the user by everything that the terminal understands, each change once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from bridge.model import Job
from bridge.system.waiting import within
from tui.calls.escapes import (
    GIVE_TITLE_BACK,
    KEEP_TITLE,
    ProgressState,
    notification,
    progress,
    through_tmux,
    title,
)
from tui.calls.news import News
from tui.calls.terminals import TMUX_QUESTION, Abilities, abilities_in_tmux, abilities_of

PROGRAM = "Source Audio Bridge"
#: Some terminals take progress away that was not renewed for 15 seconds.
RENEW_SECONDS = 5.0
#: A failure stays in the task bar for so many renewals while the terminal has the focus; without it, until it has.
RENEWALS_OF_ERROR = 2
TMUX_SECONDS = 2.0


class Caller:
    """Writes the escapes; `write` puts them between two frames of the screen."""

    def __init__(self, write: Callable[[str], None], abilities: Abilities) -> None:
        self._write = write
        self._abilities = abilities
        self._title = ""
        self._progress: tuple[ProgressState, int] = ("none", 0)
        self._renewals_left = 0
        """Of a failure that is shown."""
        if abilities.title:
            write(KEEP_TITLE)

    def learn(self, abilities: Abilities) -> None:
        """The terminal was asked, and understands more than was known."""
        self._abilities = abilities
        self._send_progress(*self._progress)

    def show(self, jobs: Iterable[Job]) -> None:
        """The title and the progress of the job that runs."""
        running = next((job for job in jobs if job.state == "running"), None)
        if running is None:
            self._set_title(PROGRAM)
            if not self._renewals_left:
                self._set_progress("none", 0)
            return
        self._renewals_left = 0
        percent = int(running.fraction * 100)
        self._set_title(f"{percent} % {running.name} – {PROGRAM}")
        self._set_progress("running" if percent else "unknown", percent)

    def tell(self, news: News, *, is_focused: bool) -> None:
        """A desktop notification, if nobody looks; a failure is seen in the task bar as well."""
        if news.is_failure:
            self._renewals_left = RENEWALS_OF_ERROR
            self._set_progress("error", 100)
        if self._abilities.notification and not is_focused:
            self._send(notification(self._abilities.notification, news.heading, news.body))

    def renew(self, *, is_focused: bool) -> None:
        """To be called every `RENEW_SECONDS`."""
        if self._renewals_left and is_focused:
            self._renewals_left -= 1
            if not self._renewals_left and self._progress[0] == "error":
                self._set_progress("none", 0)
        if self._progress[0] != "none":
            self._send_progress(*self._progress)

    def end(self) -> None:
        """Takes everything away; the terminal has its own title again."""
        self._set_progress("none", 0)
        if self._abilities.title:
            self._write(GIVE_TITLE_BACK)

    def _set_title(self, text: str) -> None:
        if self._abilities.title and text != self._title:
            self._title = text
            self._write(title(text))

    def _set_progress(self, state: ProgressState, percent: int) -> None:
        if (state, percent) != self._progress:
            self._progress = (state, percent)
            self._send_progress(state, percent)

    def _send_progress(self, state: ProgressState, percent: int) -> None:
        if self._abilities.progress:
            self._send(progress(state, percent))

    def _send(self, escape: str) -> None:
        self._write(through_tmux(escape) if self._abilities.through_tmux else escape)


async def asked_abilities(environment: Mapping[str, str]) -> Abilities:
    """As `abilities_of`; inside tmux, tmux is asked for the terminal outside."""
    known = abilities_of(environment)
    if not environment.get("TMUX"):
        return known
    command = ["tmux", "display-message", "-p", *_pane(environment), TMUX_QUESTION]
    with suppress(OSError, asyncio.TimeoutError):
        asking = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
        )
        try:
            answer, _ = await within(asking.communicate(), TMUX_SECONDS)
        except asyncio.TimeoutError:
            asking.kill()
            raise
        if asking.returncode == 0:
            return abilities_in_tmux(answer.decode("utf-8", "replace"))
    return known


def _pane(environment: Mapping[str, str]) -> list[str]:
    pane = environment.get("TMUX_PANE", "")
    return ["-t", pane] if pane else []


def is_terminal(file: object) -> bool:
    """Whether a driver's output is a terminal: nothing is sent into a pipe or a file."""
    fileno = getattr(file, "fileno", None)
    if fileno is None:
        return False
    with suppress(OSError, ValueError):
        return os.isatty(fileno())
    return False
