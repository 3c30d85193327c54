"""The commands of the palette (ctrl+p) while a job is open: the action of every key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.screens.job.keys import JOB_KEYS


class JobCommands(Provider):
    """Offers the actions that are possible now."""

    async def discover(self) -> Hits:
        for name, action, help in self._available():
            yield DiscoveryHit(name, partial(self.screen.run_action, action), help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, action, help in self._available():
            score = max(matcher.match(name), matcher.match(help))
            if score > 0:
                yield Hit(score, matcher.highlight(name), partial(self.screen.run_action, action), help=help)

    def _available(self) -> Iterator[tuple[str, str, str]]:
        for key in JOB_KEYS:
            if self.screen.check_action(key.action.partition("(")[0], ()):
                yield key.label, key.action, key.help
