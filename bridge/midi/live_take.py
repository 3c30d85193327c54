"""The main process's record of a live take: what the player does not have yet, and what would end all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from bridge.midi.player.messages import Extend
from bridge.midi.player.unended_notes import EndingsByStem
from bridge.midi.schedule import Endings, Schedule, TimedBytes, schedule

#: Messages in one command. While the player's reading thread decodes one, its other threads wait: about 0.1 ms.
MESSAGES_A_COMMAND = 256


class LiveTake:
    """The stems of one job that play while they are being computed."""

    def __init__(self, job: str, stems: Iterable[str], *, beat: float | None, tempo_bpm: float) -> None:
        self._job = job
        self._beat = beat
        self._tempo_bpm = tempo_bpm
        self._until_seconds = 0.0
        self._has_moved = False
        self._is_open = True
        self.is_sent = False
        """Whether the player has its schedules."""
        self._unsent: dict[str, list[TimedBytes]] = {stem: [] for stem in stems}
        self._latest = dict.fromkeys(self._unsent, 0.0)
        self._endings = {stem: Endings() for stem in self._unsent}

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self._endings)

    def extend(
        self, stems: Mapping[str, Iterable[tuple[float, bytes]]], until_seconds: float, *, is_last: bool
    ) -> None:
        """Appends messages. One that is earlier than those before it, by rounding, is moved to the last of them."""
        if not self._is_open:
            return
        for stem, unsent in self._unsent.items():
            for seconds, data in sorted(stems.get(stem, ()), key=lambda message: message[0]):
                self._latest[stem] = max(self._latest[stem], seconds)
                unsent.append(TimedBytes(self._latest[stem], data))
                self._endings[stem].observe((data,))
        self._until_seconds = max(self._until_seconds, until_seconds)
        self._is_open = not is_last
        self._has_moved = True

    def endings(self) -> EndingsByStem:
        """The messages that end all that is known, at whatever point it is broken off."""
        return {(self._job, stem): endings.all() for stem, endings in self._endings.items()}

    def schedules(self, offsets_seconds: Mapping[str, float]) -> tuple[Schedule, ...]:
        """What is known, to begin with; from now on the rest comes by `extensions`."""
        self.is_sent, self._has_moved = True, False
        schedules = []
        for stem, unsent in self._unsent.items():
            pairs = ((message.seconds, message.data) for message in unsent)
            offset = offsets_seconds.get(stem, 0.0)
            known = schedule(self._job, stem, pairs, offset, tempo_bpm=self._tempo_bpm, beat=self._beat)
            if self._is_open:
                known = msgspec.structs.replace(known, is_open=True, until_seconds=self._until_seconds)
            schedules.append(known)
            unsent.clear()
        return tuple(schedules)

    def extensions(self) -> Iterator[Extend]:
        """What the player does not have yet, for each stem; it has them then."""
        if not self._has_moved:
            return
        self._has_moved = False
        for stem, unsent in self._unsent.items():
            for first in range(0, max(1, len(unsent)), MESSAGES_A_COMMAND):
                messages = tuple(unsent[first : first + MESSAGES_A_COMMAND])
                is_end = first + MESSAGES_A_COMMAND >= len(unsent)
                yield Extend(
                    job=self._job,
                    stem=stem,
                    messages=messages,
                    until_seconds=self._until_seconds if is_end else messages[-1].seconds,
                    is_last=is_end and not self._is_open,
                )
            unsent.clear()
