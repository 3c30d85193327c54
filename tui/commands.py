"""The commands of the palette (ctrl+p): the action of every key, and the theme."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.keys import KEYS

_THEME = ("Theme", "change_theme", "Choose the colours.")


class BridgeCommands(Provider):
    """Offers the actions that are possible now: what the footer greys out is omitted."""

    async def discover(self) -> Hits:
        for name, action, help in self._available():
            yield DiscoveryHit(name, partial(self.app.run_action, action), help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, action, help in self._available():
            score = max(matcher.match(name), matcher.match(help))
            if score > 0:
                yield Hit(score, matcher.highlight(name), partial(self.app.run_action, action), help=help)

    def _available(self) -> Iterator[tuple[str, str, str]]:
        for key in KEYS:
            if self.app.check_action(key.action, ()):
                yield key.label, key.action, key.help
        yield _THEME
