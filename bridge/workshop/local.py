"""What the bridge of this process works with: downloads of models, and the settings file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bridge.errors import BridgeError, unresponsive_drive
from bridge.events import Pulled, PullEvent, Pulling
from bridge.model import Failure
from bridge.protocols.workshop import SettingView
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.workshop.settings_file import SettingsFile

T = TypeVar("T")

#: Downloads a model, and calls a function with its progress, 0 to 1; raises BridgeError.
Fetch = Callable[[str, Callable[[float], None]], Coroutine[Any, Any, None]]


class LocalWorkshop:
    """Implements `protocols.Workshop`; downloads run in the worker."""

    def __init__(self, file: SettingsFile, fetch: Fetch, publish: Callable[[PullEvent], None]) -> None:
        self._file = file
        self._fetch = fetch
        self._publish = publish
        self._pulls: dict[str, asyncio.Task[None]] = {}

    def pull(self, name: str) -> None:
        if name not in self._pulls:
            self._publish(Pulling(name=name, fraction=0.0))
            self._pulls[name] = asyncio.create_task(self._pull(name), name=f"pull {name}")

    def cancel_pull(self, name: str) -> None:
        if name in self._pulls:
            self._pulls[name].cancel()

    async def settings(self) -> tuple[SettingView, ...]:
        return await self._on_drive(self._file.views)

    async def change_setting(self, name: str, text: str) -> SettingView:
        return await self._on_drive(lambda: self._file.change(name, text))

    async def close(self) -> None:
        """Ends the downloads."""
        running = [*self._pulls.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _pull(self, name: str) -> None:
        try:
            await self._fetch(name, lambda fraction: self._publish(Pulling(name=name, fraction=fraction)))
        except BridgeError as error:
            self._publish(Pulled(name=name, failure=Failure(code=error.code, message=str(error))))
        except asyncio.CancelledError:
            self._publish(Pulled(name=name, is_cancelled=True))
            raise
        else:
            self._publish(Pulled(name=name))
        finally:
            del self._pulls[name]

    async def _on_drive(self, work: Callable[[], T]) -> T:
        try:
            return await off_loop(work, timeout_seconds=ANSWER_SECONDS)
        except TimeoutError:
            raise unresponsive_drive(self._file.path) from None
