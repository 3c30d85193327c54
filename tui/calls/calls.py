"""Connects the news of the bridge with the app's toasts, its bell, and its terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from textual.app import App

from bridge.events import Event
from bridge.model import Job
from tui.calls.caller import RENEW_SECONDS, Caller, asked_abilities, is_terminal
from tui.calls.news import News, news_of


class Calls:
    """Of one app; `environment` is that of its terminal."""

    def __init__(self, app: App[Any], environment: Mapping[str, str]) -> None:
        self._app = app
        self._environment = environment
        self._caller: Caller | None = None
        self.bell = "off"
        """The setting `bell`."""

    async def begin(self) -> None:
        """Finds out what the terminal understands; nothing is ever sent to a pipe, or to a browser."""
        driver = self._app._driver
        is_ours = driver is not None and not self._app.is_headless and not self._app.is_web
        if driver is None or not is_ours or not is_terminal(getattr(driver, "_file", None)):
            return
        self._caller = Caller(driver.write, await asked_abilities(self._environment))
        self._app.set_interval(RENEW_SECONDS, self._renew)

    def after(self, events: Iterable[Event], before: Mapping[str, Job], now: Mapping[str, Job]) -> None:
        """Tells what these events are worth; `before` and `now` are the jobs without and with them."""
        is_focused = self._app.app_focus
        for news in news_of(events, before, now, is_focused=is_focused):
            self._app.notify(news.body, title=news.heading, severity="error" if news.is_failure else "information")
            if self._rings_for(news):
                self._app.bell()
            if self._caller is not None:
                self._caller.tell(news, is_focused=is_focused)
        if self._caller is not None:
            self._caller.show(now.values())

    def end(self) -> None:
        """The terminal is as it was before."""
        if self._caller is not None:
            self._caller.end()
            self._caller = None

    def _rings_for(self, news: News) -> bool:
        return self.bell == "all" or (self.bell == "failed" and news.is_failure)

    def _renew(self) -> None:
        if self._caller is not None:
            self._caller.renew(is_focused=self._app.app_focus)
