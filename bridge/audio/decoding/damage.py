"""What is missing or was changed in a file that could be read all the same, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.model import Warning

#: A decoder may lose a block at an end, and a container may count in milliseconds; less than this is no cut.
CUT_SECONDS = 0.1
#: A start so little late is not heard, and not told.
LATE_SECONDS = 0.02
#: As many places are named.
_NAMED_PLACES = 3


@dataclass
class Damage:
    """Collects, while a file is decoded, what its user ought to know. Positions are frames of the file."""

    lost: list[tuple[int, int]] = field(default_factory=list)
    """First frame and number of frames of each loss, which is silence now."""
    broke_off: bool = False
    """The file ends within a packet, or cannot be read any further."""
    starts_late: int = 0
    """Frames of silence before the first sound, which begins later than the file does."""
    converted: int = 0
    """The number of parts in another rate or with other channels than the first."""
    unread: int = 0
    """The number of parts that hold no audio that can be decoded."""

    def lose(self, start: int, frames: int) -> None:
        """Adds a loss; one right behind the last one belongs to it."""
        if self.lost and sum(self.lost[-1]) >= start:
            first, _ = self.lost.pop()
            start, frames = first, start + frames - first
        self.lost.append((start, frames))


def warnings_of(
    damage: Damage, name: str, *, start: int, stop: int, end: int | None, promised: int | None, rate: int
) -> Iterator[Warning]:
    """The warnings for a region.

    Args:
        name: the file's.
        start, stop: the region, in frames.
        end: the last frame that was decoded, if that was all; None if the file goes on, or was not decoded.
        promised: the length that the file states; None if it states none.
        rate: in Hz.
    """
    inside = [(max(start, first), min(stop, first + frames)) for first, frames in damage.lost]
    if inside := [(first, last) for first, last in inside if first < last]:
        seconds = sum(last - first for first, last in inside) / rate
        places = ", ".join(f"{first / rate:.2f} s" for first, _ in inside[:_NAMED_PLACES])
        more = f" and {len(inside) - _NAMED_PLACES} more places" if len(inside) > _NAMED_PLACES else ""
        message = f"{name} is damaged: {seconds:.2f} s could not be decoded and are silent, at {places}{more}."
        yield Warning(code="damaged_audio", message=message)
    if end is not None and end <= stop:
        if promised is not None and promised - end > CUT_SECONDS * rate:
            yield _cut_off(f"{name} holds {end / rate:.2f} s of audio, but its header promises {promised / rate:.2f} s")
        elif damage.broke_off:
            yield _cut_off(f"{name} breaks off at {end / rate:.2f} s")
    if damage.starts_late > LATE_SECONDS * rate and start < damage.starts_late:
        late = damage.starts_late / rate
        message = f"The sound of {name} begins {late:.3f} s after the file does; until then its stems are silent."
        yield Warning(code="late_sound", message=message)
    in_a_row = f"{name} is several recordings in a row"
    if damage.converted:
        what = f"{damage.converted} of them had another rate or other channels and were converted to those of the first"
        yield Warning(code="mixed_formats", message=f"{in_a_row}; {what}.")
    if damage.unread:
        message = f"{in_a_row}; {damage.unread} of them could not be decoded and are left out."
        yield Warning(code="damaged_audio", message=message)


def _cut_off(what: str) -> Warning:
    return Warning(code="cut_off", message=f"{what}; it may have been cut off. The stems end there.")
