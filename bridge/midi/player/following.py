"""Which playbacks follow what, and what their sources say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.errors import EngineFailed
from bridge.midi.player.playback import NOW, Agenda, Playback
from bridge.midi.schedule import Schedule
from bridge.midi.sync.sources import Sources, SyncMessage
from bridge.midi.timeline import Timeline


class Following:
    """Asks the sources of those playbacks of an agenda that follow one, as often as these want to be asked."""

    def __init__(self, sources: Sources, agenda: Agenda) -> None:
        self._sources = sources
        self._agenda = agenda
        self._asked_ns = 0

    @property
    def next_ns(self) -> int | None:
        """When the sources want to be asked next; None: nothing follows one, or they speak up by themselves."""
        polls = [poll for sync in self._in_use() if (poll := self._sources.get(sync).poll_ns) is not None]
        return self._asked_ns + min(polls) if polls else None

    def hear(self, heard: SyncMessage) -> None:
        self._sources.clock.hear(heard.at_ns, heard.data)

    def arm(self, sync: str, schedules: Sequence[Schedule], now_ns: int) -> Timeline | None:
        """Gets a source ready for these schedules; returns the music that rolls already.

        Raises:
            EngineFailed: there is no such source here, and why.
        """
        source = self._sources.get(sync)
        for schedule in schedules[:1]:  # all are of one job, and of one tempo
            source.expect(schedule.tempo_bpm)
        return source.timeline(now_ns)

    def news(self, now_ns: int) -> Iterator[tuple[Playback, Timeline | EngineFailed | None]]:
        """What each playback is to go by from now on, or why it can no longer follow."""
        self._asked_ns = now_ns
        for sync in self._in_use():
            said: Timeline | EngineFailed | None
            try:
                said = self._sources.get(sync).timeline(now_ns)
            except EngineFailed as error:
                said = error
            for playback in self._agenda.playing(sync=sync):
                yield playback, said

    def _in_use(self) -> set[str]:
        return {playback.sync for playback in self._agenda.playing()} - {NOW}
