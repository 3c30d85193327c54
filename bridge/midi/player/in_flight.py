"""What was handed to a port: messages that are not surely sent yet, and what the others have left sounding."""

from __future__ import annotations

from collections import deque

from bridge.midi.schedule import PITCH_BEND, MidiState, is_ending, sets_parameter
from bridge.midi.timeline import NS_PER_SECOND

#: This long after its time, a message that was handed over ahead has been sent, whatever happened to the server's
#: period.
SURELY_SENT_NS = NS_PER_SECOND // 5


class InFlight:
    """`ahead_ns`: see `protocols.MidiOutput.ahead_ns`; at 0, what is handed over is sent at once."""

    def __init__(self, ahead_ns: int = 0) -> None:
        self.ahead_ns = ahead_ns
        self.last_ns = 0
        """When the latest message that was handed over is sent."""
        self._ahead: deque[tuple[int, bytes]] = deque()
        """Messages by the time at which they are sent."""
        self._sounding = MidiState()

    @property
    def has_parameters(self) -> bool:
        """Whether parameters are among the messages that may not have been sent."""
        return any(sets_parameter(data) for _, data in self._ahead)

    @property
    def notes_sounding(self) -> int:
        """How many notes are surely begun and not surely ended."""
        return self._sounding.notes

    def hand_over(self, data: bytes, deadline_ns: int, now_ns: int) -> int:
        """Registers a message that is handed over now; returns when it is to be sent."""
        # When the tempo rises, a message may become due before one that was handed over already.
        self.last_ns = max(self.last_ns, deadline_ns)
        if self.ahead_ns:
            self._ahead.append((max(self.last_ns, now_ns), data))  # a late one is sent with the next period
            while self._ahead[0][0] < now_ns - SURELY_SENT_NS:
                self._sounding.observe(self._ahead.popleft()[1])
        else:
            self._sounding.observe(data)
        return self.last_ns

    def is_cut_by(self, end: bytes) -> bool:
        """Whether this note end, centred bend or pedal release would cut something that was started."""
        if self._sounding.is_ended_by(end):
            return True
        ahead = MidiState()
        for _, data in self._ahead:
            if not is_ending(data):
                ahead.observe(data)
        return ahead.is_ended_by(end)

    def ends_so_far(self) -> tuple[bytes, ...]:
        """Once everything that was handed over is sent: note-offs and pedals up that leave nothing sounding.

        They are not registered: the caller hands them over.
        """
        sounding = self._sounding.copy()
        for _, data in self._ahead:
            sounding.observe(data)
        return tuple(data for data in sounding.release() if data[0] & 0xF0 != PITCH_BEND)

    def finish(self) -> tuple[bytes, ...]:
        """After the last message: messages that leave nothing sounding, to be sent no earlier than `last_ns`."""
        for _, data in self._ahead:
            self._sounding.observe(data)
        self._ahead.clear()
        return self._sounding.release()

    def abort(self) -> tuple[bytes, ...]:
        """After `take_back`: messages that leave nothing sounding, whether or not those sent ahead were played."""
        for _, data in self._ahead:
            if not is_ending(data):  # an ending that may not have been sent has ended nothing
                self._sounding.observe(data)
        self._ahead.clear()
        self.last_ns = 0
        return self._sounding.release()
