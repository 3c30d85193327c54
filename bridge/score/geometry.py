"""The picture's layout, in its own units (pixels at scale 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.model import Music, Note
from bridge.score.systems import PictureSystems, picture_systems
from bridge.stems import stem_of

WIDTH = 1600.0
MARGIN = 40.0
HEADER = 108.0
#: Between systems, with room for bar numbers.
GAP = 44.0
KEYS = 34.0
#: Left of the time axis, for keys and names.
NAMES = 74.0
#: Preferred height of the piano roll; limits of a row's height.
ROLL_HEIGHT = 300.0
LOWEST_ROW, HIGHEST_ROW = 5.0, 13.0
#: Least number of pitches shown.
MIN_PITCHES = 13
DRUM_ROW = 17.0
DRUM_GAP = 10.0


@dataclass(frozen=True)
class PictureGeometry:
    """The measures of one picture. Within a system, y is relative to the system's top."""

    time: PictureSystems
    pitches: Sequence[int]
    """MIDI pitches of the roll's rows, from the bottom up."""
    drums: Sequence[int]
    """General MIDI keys of the drum lane's rows, from the bottom up."""
    row: float
    width: float = WIDTH
    margin: float = MARGIN
    keys: float = KEYS
    drum_row: float = DRUM_ROW

    @property
    def left(self) -> float:
        """x of a system's start."""
        return self.margin + NAMES

    @property
    def right(self) -> float:
        return self.width - self.margin

    @property
    def roll_height(self) -> float:
        return self.row * len(self.pitches)

    @property
    def drums_top(self) -> float:
        return self.roll_height + (DRUM_GAP if self.pitches else 0.0)

    @property
    def system_height(self) -> float:
        return self.drums_top + self.drum_row * len(self.drums) if self.drums else self.roll_height

    @property
    def height(self) -> float:
        return self.top_of(len(self.time.systems)) - GAP + self.margin

    def top_of(self, system: int) -> float:
        return HEADER + system * (self.system_height + GAP)

    def x_of(self, seconds: float, system: tuple[float, float]) -> float:
        """x of a time in a system, given by the system's start and end in seconds."""
        start, end = system
        share = (seconds - start) / (end - start)
        return self.left + share * (self.right - self.left)

    def y_of(self, pitch: int) -> float:
        """y of the top of a pitch's row."""
        return (self.pitches[-1] - pitch) * self.row

    def y_of_drum(self, key: int) -> float:
        return self.drums_top + (len(self.drums) - 1 - self.drums.index(key)) * self.drum_row


def picture_geometry(parts: Mapping[str, Sequence[Note]], music: Music, seconds: float) -> PictureGeometry:
    """The layout with rows for every pitch between the lowest and the highest, and for every drum that occurs."""
    sounding = [note.pitch for stem, notes in parts.items() if stem_of(stem).is_pitched for note in notes]
    drums = sorted({note.pitch for stem, notes in parts.items() if not stem_of(stem).is_pitched for note in notes})
    pitches: Sequence[int] = ()
    if sounding or not drums:
        lowest, highest = (min(sounding) - 1, max(sounding) + 1) if sounding else (54, 66)
        missing = max(0, MIN_PITCHES - (highest - lowest + 1))
        pitches = range(max(0, lowest - missing // 2), min(127, highest + (missing + 1) // 2) + 1)
    row = min(HIGHEST_ROW, max(LOWEST_ROW, ROLL_HEIGHT / max(1, len(pitches))))
    return PictureGeometry(time=picture_systems(music, seconds), pitches=pitches, drums=drums, row=row)
