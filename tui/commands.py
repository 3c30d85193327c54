"""The commands of the palette (ctrl+p): the action of every key that works here, and the theme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.keys import KEYS_BY_SCREEN


class BridgeCommands(Provider):
    """Offers the actions that are possible now: what the footer greys out is omitted."""

    async def discover(self) -> Hits:
        for name, run, help in self._available():
            yield DiscoveryHit(name, run, help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, run, help in self._available():
            score = max(matcher.match(name), matcher.match(help))
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=help)

    def _available(self) -> Iterator[tuple[str, Callable[[], Any], str]]:
        """Name, function and help of each."""
        here = {active.binding.action: active for active in self.screen.active_bindings.values() if active.enabled}
        for key in chain.from_iterable(KEYS_BY_SCREEN.values()):
            if active := here.pop(key.action, None):
                yield key.label, partial(self.app.run_action, key.action, active.node), key.help
        yield "Theme", partial(self.app.run_action, "change_theme"), "Choose the colours."
