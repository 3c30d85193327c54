"""The folders that a bridge watches by its setting `watch`, as long as it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from bridge.config import Settings
from bridge.errors import BridgeError
from bridge.events import Noticed
from bridge.options.request import request_for_clip
from bridge.protocols import Bridge, Clock
from bridge.watch.folder_watch import News, watching
from bridge.watch.turns import Turns
from bridge.watch.values import WatchChoice


@asynccontextmanager
async def watched_folders(
    bridge: Bridge,
    settings: Settings,
    clock: Clock,
    notice: Callable[[Noticed], None],
    notice_at_start: Callable[[Noticed], None],
) -> AsyncIterator[None]:
    """Watches the folders of these settings while the block runs; one that cannot be watched ends nothing.

    Args:
        notice: told what happens to the folders, and to clips that do not become jobs.
        notice_at_start: told which folders are watched, before anybody listens.
    """

    def tell(news: News) -> None:
        if isinstance(news, Noticed):
            notice(news)
        elif news.state == "failed" and not news.job:  # of one with a job, everybody is told anyway
            notice(Noticed(level="warning", message=f"{news.path} was not taken: {news.code}: {news.message}"))

    turns = Turns(bridge)
    async with AsyncExitStack() as watches:
        for folder in settings.watch:
            choice = WatchChoice(
                folder=folder,
                settle_seconds=settings.watch_settle_seconds,
                is_polled=settings.watch_poll or None,
            )
            try:
                await watches.enter_async_context(
                    watching(
                        choice,
                        bridge,
                        lambda path: request_for_clip(path, {}, settings.defaults),
                        state_dir=settings.state_dir,
                        clock=clock,
                        turns=turns,
                        tell=tell,
                    )
                )
            except BridgeError as error:
                notice_at_start(Noticed(level="warning", message=f"{folder} is not watched: {error}"))
            else:
                notice_at_start(Noticed(level="info", message=f"Every song that lands in {folder} becomes a job."))
        yield
