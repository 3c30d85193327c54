"""The screen of one job, as the app knows it before it has loaded it: most sessions begin without one."""

from __future__ import annotations

from collections.abc import Iterable

from textual.screen import Screen

from bridge.events import Event


class OpenedScreen(Screen[None]):
    """Shows one job; see `tui.screens.job`."""

    def take(self, events: Iterable[Event]) -> None:
        """Follows what the bridge has told."""
        raise NotImplementedError

    def follow(self, sync: str) -> None:
        """Plays the job's notes with another sync."""
        raise NotImplementedError

    def may_leave(self, key: str) -> bool:
        """Whether nothing is lost where it closes now; the first time that something is, it says so, and is False.

        `key` is what closes it when it is pressed again.
        """
        raise NotImplementedError
