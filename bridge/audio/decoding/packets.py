"""The frames of a stream in FFmpeg, past packets that cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.audio.decoding.containers import audio_stream, open_container
from bridge.audio.decoding.damage import Damage
from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.promise import mp3_packets

#: Streams without a container, whose packets are found by their first bytes: a damaged one swallows those behind it.
#: Their time stamps are mere sums of durations.
WITHOUT_CONTAINER = frozenset({"mp3", "aac", "ac3", "eac3", "dts", "truehd", "mlp"})
#: A packet that begins so is a tag between two files that were joined, not lost audio.
_TAGS = (b"ID3", b"TAG", b"APETAGEX")
#: Reading fails as often in a row at most, and as often altogether.
_MOST_FAILURES, _MOST_FAILURES_AT_ALL = 5, 1000


#: A damaged packet of a file that does not count them holds any number.
_MOST_PACKETS = 1_000_000


@dataclass(frozen=True)
class Decoded:
    """What one packet gave."""

    frame: Any
    """FFmpeg's frame: a block of samples."""
    lost_packets: int
    """Packets before it that could not be decoded."""
    lost_seconds: float
    """The duration of these packets."""


def decoded_frames(part: FilePart, container: Any, stream: Any, damage: Damage) -> Iterator[Decoded]:
    """All frames of a stream that can be decoded; packets lost after the last one only break the file off."""
    import av  # imported late: it loads all of FFmpeg

    sizes = _PacketSizes(part) if container.format.name in WITHOUT_CONTAINER else None
    lost_packets, lost_seconds, frame_seconds = 0, 0.0, 0.0
    for packet in _packets(container, stream, damage):
        try:
            frames = packet.decode()
        except EOFError:  # the decoder has given everything
            break
        except av.FFmpegError:
            if not packet.size or bytes(packet)[:8].startswith(_TAGS):
                continue
            lost_packets += 1
            seconds = float(packet.duration * packet.time_base) if packet.duration else frame_seconds
            lost_seconds += seconds * (1 if sizes is None else sizes.packets_in(packet.size))
            continue
        if sizes is not None and packet.size:
            sizes.add(packet.size)
        for frame in frames:
            if not frame.samples:
                continue
            frame_seconds = frame.samples / frame.sample_rate
            yield Decoded(frame, lost_packets, lost_seconds)
            lost_packets, lost_seconds = 0, 0.0
    if lost_packets:
        damage.broke_off = True


def _packets(container: Any, stream: Any, damage: Damage) -> Iterator[Any]:
    """The packets of a stream, past places where the container is damaged."""
    import av

    failures, failures_at_all = 0, 0
    while True:
        packets = container.demux(stream)
        try:
            for packet in packets:
                failures = 0
                yield packet
            return
        except EOFError:
            return
        except av.FFmpegError:
            failures, failures_at_all = failures + 1, failures_at_all + 1
            damage.broke_off = True
            if failures == _MOST_FAILURES or failures_at_all == _MOST_FAILURES_AT_ALL:
                return


class _PacketSizes:
    """Guesses how many packets a damaged one holds, by its size, and by how many the file counts."""

    def __init__(self, part: FilePart) -> None:
        self._part = part
        self._mean = 0.0
        self._uncounted: int | None = None
        """Packets that the file counts, but FFmpeg does not find; None before they are counted."""

    def add(self, size: int) -> None:
        self._mean += (size - self._mean) / 8 if self._mean else size

    def packets_in(self, size: int) -> int:
        if self._uncounted is None:
            self._uncounted = self._count()
        more = min(max(0, round(size / self._mean) - 1), self._uncounted) if self._mean else 0
        self._uncounted -= more
        return 1 + more

    def _count(self) -> int:
        stated = mp3_packets(self._part)
        if stated is None:
            return _MOST_PACKETS
        with open_container(self._part) as container:
            stream = audio_stream(container)
            found = sum(1 for packet in container.demux(stream) if packet.size)
        return max(0, stated - found)
