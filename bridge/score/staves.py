"""How a part is laid out: its clefs, one or two staves, and at most two voices on each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bridge.music.clean import HANDS_NEAR, WrittenNote, hands_border
from bridge.stems import stem_of

#: Stems that one staff is enough for, whatever their range is.
ONE_STAFF = ("vocals", "bass", "guitar", "drums")
#: A piano's two staves: where both hands have at least this share of the notes, this far from the border.
HAND_SHARE, HAND_REACH = 0.08, 4
#: How many events that follow may tell the upper voice from the lower.
NEXT = 8


@dataclass(frozen=True)
class Clef:
    sign: str
    line: int
    octaves: int = 0
    """How many octaves higher than its signs it sounds: -1 for a tenor's or a guitar's treble clef."""


TREBLE, BASS, PERCUSSION = Clef("G", 2), Clef("F", 4), Clef("percussion", 2)
TENOR, DEEP = Clef("G", 2, -1), Clef("F", 4, -1)
#: A line whose middle note is below these is written with the next clef.
TREBLE_FROM, TENOR_FROM = 60, 50


@dataclass
class VoiceEvent:
    """Notes that start and end together. Its end may still be cut, for a voice to become free."""

    start: int
    end: int
    notes: tuple[WrittenNote, ...]

    @property
    def height(self) -> float:
        return sum(note.pitch for note in self.notes) / len(self.notes)


@dataclass(frozen=True)
class Staff:
    clef: Clef
    voices: tuple[list[VoiceEvent], ...]
    """One or two voices: the upper one, then the lower."""


def staves_of(stem: str, notes: Sequence[WrittenNote]) -> list[Staff]:
    """The staves of a part, from the top."""
    if not stem_of(stem).is_pitched:
        return [Staff(PERCUSSION, _voices(notes, most=1))]
    border = hands_border(note.pitch for note in notes)
    if stem not in ONE_STAFF and _needs_two(notes, border):
        hands = ([note for note in notes if (note.pitch < border) == low] for low in (False, True))
        return [Staff(clef, _voices(hand)) for clef, hand in zip((TREBLE, BASS), hands, strict=True)]
    return [Staff(_clef(stem, notes), _voices(notes))]


def _needs_two(notes: Sequence[WrittenNote], border: int) -> bool:
    low = sum(note.pitch < border - HAND_REACH for note in notes)
    high = sum(note.pitch >= border + HAND_REACH for note in notes)
    return bool(notes) and min(low, high) >= HAND_SHARE * len(notes)


def _clef(stem: str, notes: Sequence[WrittenNote]) -> Clef:
    if stem == "bass":
        return DEEP  # basses are written an octave above their sound
    if stem == "guitar":
        return TENOR
    middle = median(note.pitch for note in notes) if notes else HANDS_NEAR
    if middle >= TREBLE_FROM:
        return TREBLE
    return TENOR if stem == "vocals" and middle >= TENOR_FROM else BASS


def _voices(notes: Iterable[WrittenNote], most: int = 2) -> tuple[list[VoiceEvent], ...]:
    """The notes as events, in voices whose events do not overlap; a third one at once cuts the one that ends first."""
    together: dict[tuple[int, int], list[WrittenNote]] = {}
    for note in notes:
        together.setdefault((note.start, note.end), []).append(note)
    events = [VoiceEvent(start, end, tuple(chord)) for (start, end), chord in sorted(together.items())]
    voices: tuple[list[VoiceEvent], ...] = tuple([] for _ in range(most))
    for place, event in enumerate(events):
        same_start = [voice for voice in voices if voice and voice[-1].start == event.start]
        if len(same_start) == most:  # one more chord at the moment when all voices have one: it joins the last
            joined = same_start[-1][-1]
            joined.notes, joined.end = (*joined.notes, *event.notes), min(joined.end, event.end)
            continue
        free = [voice for voice in voices if not voice or voice[-1].end <= event.start]
        if not free:
            voice = min((one for one in voices if one not in same_start), key=lambda one: one[-1].end)
            voice[-1].end = event.start
        else:
            sounding = [one[-1] for one in voices if one and one[-1].end > event.start]
            is_lower = any(other.height > event.height for other in sounding) or (
                not sounding and _is_below_next(event, events[place + 1 : place + 1 + NEXT])
            )
            voice = free[-1] if is_lower else free[0]
        voice.append(event)
    used = tuple(voice for voice in voices if voice)
    return used or (voices[0],)


def _is_below_next(event: VoiceEvent, following: Sequence[VoiceEvent]) -> bool:
    """Whether a higher event starts while it sounds."""
    return any(other.height > event.height for other in following if other.start < event.end)
