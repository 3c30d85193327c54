"""Connects the active playbacks to the sync sources that they follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from bridge.errors import EngineFailed
from bridge.midi.player.playback import ActivePlaybacks, Playback
from bridge.midi.schedule import Schedule
from bridge.midi.sync.sources import SyncMessage, SyncSource, SyncSources
from bridge.midi.timeline import Timeline
from bridge.request import NOW


class SyncFollower:
    """Polls the sources of the active playbacks, as often as each source needs."""

    def __init__(self, sources: SyncSources, playbacks: ActivePlaybacks) -> None:
        self._sources = sources
        self._playbacks = playbacks
        self._polled_ns = 0

    @property
    def next_ns(self) -> int | None:
        """When a source must be polled next; None: no playback follows one, or they need no polling."""
        polls = [poll for sync in self._in_use() if (poll := self._sources.get(sync).poll_ns) is not None]
        return self._polled_ns + min(polls) if polls else None

    @property
    def heard(self) -> Mapping[str, SyncSource]:
        return self._sources.heard

    def look_for(self, sync: str) -> None:
        """Opens a source, so that it is among those that are heard, if it exists here."""
        with suppress(EngineFailed):
            self._sources.get(sync)

    def on_message(self, message: SyncMessage) -> None:
        self._sources.clock.on_message(message.at_ns, message.data)

    def arm(self, sync: str, schedules: Sequence[Schedule], now_ns: int) -> Timeline | None:
        """Prepares a source for these schedules; returns its timeline if the music is already rolling.

        Raises:
            EngineFailed: the source does not exist here, and why.
        """
        source = self._sources.get(sync)
        for schedule in schedules[:1]:  # all belong to one job and have its tempo
            source.expect_tempo(schedule.tempo_bpm)
        return source.timeline(now_ns)

    def updates(self, now_ns: int) -> Iterator[tuple[Playback, Timeline | EngineFailed | None]]:
        """Each playback's current timeline, or the reason why it can no longer follow."""
        self._polled_ns = now_ns
        for sync in self._in_use():
            update: Timeline | EngineFailed | None
            try:
                update = self._sources.get(sync).timeline(now_ns)
            except EngineFailed as error:
                update = error
            for playback in self._playbacks.matching(sync=sync):
                yield playback, update

    def _in_use(self) -> set[str]:
        return {playback.sync for playback in self._playbacks.matching()} - {NOW}
