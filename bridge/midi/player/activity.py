"""What goes through the ports and where the DAW is, while somebody looks: a report a few times a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.connections.values import DawPosition, PlayerActivity, PortActivity
from bridge.errors import EngineFailed
from bridge.midi.player.lateness import lateness_of
from bridge.midi.player.playback import Playback
from bridge.midi.schedule import is_note_on
from bridge.midi.sync.sources import SyncSource
from bridge.midi.timeline import NS_PER_SECOND

#: Between two reports: four a second.
REPORT_NS = NS_PER_SECOND // 4
#: Lateness is that of so many newest messages: about the last seconds of a busy part.
NEWEST_MESSAGES = 64
#: No report is made this shortly before a message is due: it takes some 50 µs.
GUARD_NS = 1_000_000


@dataclass
class _PortNotes:
    begun: int = 0
    last_ns: int = 0


class ActivityLog:
    """Counts the notes of each port, and makes the reports while it is watched."""

    def __init__(self) -> None:
        self._ports: dict[str, _PortNotes] = {}
        self._watched_until_ns = 0
        self._next_ns: int | None = None

    def watch(self, seconds: float, now_ns: int) -> bool:
        """Somebody looks for so many seconds from now; whether nobody did before."""
        begins = self._next_ns is None
        self._watched_until_ns = now_ns + round(seconds * NS_PER_SECOND)
        if begins:
            self._next_ns = now_ns
        return begins

    @property
    def next_ns(self) -> int | None:
        """When the next report is due; None: nobody looks."""
        return self._next_ns

    def handed_over(self, stem: str, data: bytes, at_ns: int) -> None:
        """A message goes to a port; called for every one."""
        if is_note_on(data):
            notes = self._ports.get(stem)
            if notes is None:
                notes = self._ports[stem] = _PortNotes()
            notes.begun += 1
            notes.last_ns = at_ns

    def is_due(self, now_ns: int, message_ns: int | None) -> bool:
        """Whether to report now; puts it off if a message is due at `message_ns`, very soon."""
        if self._next_ns is None or now_ns < self._next_ns:
            return False
        if message_ns is not None and message_ns - now_ns < GUARD_NS:
            self._next_ns = max(message_ns, now_ns) + 1
            return False
        return True

    def report(
        self,
        now_ns: int,
        stems: Iterable[str],
        playbacks: Mapping[str, Playback],
        hanging: frozenset[str],
        sources: Mapping[str, SyncSource],
    ) -> PlayerActivity:
        """The report that is due; the next one follows, unless nobody looks any more.

        Args:
            stems: those that have a port.
            playbacks: by stem what plays or is armed.
            hanging: the stems whose ports may have notes of a player that died.
            sources: by name the sync sources that are open.
        """
        self._next_ns = now_ns + REPORT_NS if now_ns < self._watched_until_ns else None
        return PlayerActivity(
            ports=tuple(self._port(stem, playbacks.get(stem), stem in hanging, now_ns) for stem in stems),
            daws=tuple(found for name, source in sources.items() if (found := _position(name, source, now_ns))),
        )

    def _port(self, stem: str, playback: Playback | None, is_hanging: bool, now_ns: int) -> PortActivity:
        notes = self._ports.get(stem, _PortNotes())
        newest = [] if playback is None else playback.lateness_ns[-NEWEST_MESSAGES:]
        return PortActivity(
            stem=stem,
            notes=notes.begun,
            sounding=0 if playback is None else playback.in_flight.notes_sounding,
            last_note_age_seconds=max(0.0, (now_ns - notes.last_ns) / NS_PER_SECOND) if notes.begun else None,
            is_hanging=is_hanging,
            lateness=lateness_of(newest),
        )


def _position(name: str, source: SyncSource, now_ns: int) -> DawPosition | None:
    try:
        timeline = source.timeline(now_ns)
    except EngineFailed:  # those who follow it are told
        return None
    if timeline is None:
        return DawPosition(source=name, is_rolling=False)
    return DawPosition(
        source=name,
        is_rolling=True,
        tempo_bpm=None if timeline.tempo_is_assumed else timeline.bpm,
        position=timeline.position_at(now_ns),
        bar_quarters=source.bar_quarters,
    )
