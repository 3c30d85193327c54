"""The colours of a roll: those of its stems, shaded by how loud a note is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bridge.stems import stem_of

#: The share of its stem's colour that the softest note has; the rest is the background's.
SOFTEST = 0.35
#: The same for the stems that do not stand out, at any velocity.
BEHIND = 0.22


@dataclass(frozen=True)
class RollColours:
    """Hexadecimal colours, as `#d9d4cb`."""

    background: str = "#191a1d"
    text: str = "#d9d4cb"
    muted: str = "#888581"
    """Labels, bar numbers."""
    faint: str = "#434345"
    """Bar lines."""
    accent: str = "#e3a857"
    """The play head."""
    is_dark: bool = True

    def of_note(self, stem: str, velocity: int, *, begins: bool, is_behind: bool) -> str:
        """The colour of a cell of a note; the cell in which it `begins` is the strongest."""
        row = stem_of(stem)
        share = BEHIND if is_behind else (SOFTEST + (1 - SOFTEST) * velocity / 127) * (1.0 if begins else 0.8)
        return blended(self.background, row.night_colour if self.is_dark else row.colour, round(share, 2))


@lru_cache(maxsize=4096)
def blended(background: str, colour: str, share: float) -> str:
    """`share` of a colour, 0–1, over the background."""
    parts = (
        round(int(under, 16) + (int(over, 16) - int(under, 16)) * share)
        for under, over in zip(_channels(background), _channels(colour), strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in parts)


def _channels(colour: str) -> tuple[str, str, str]:
    return colour[1:3], colour[3:5], colour[5:7]
