"""Metre: how bars, beats and grids relate to quarter notes, which every tempo of the bridge counts."""

from __future__ import annotations

from bridge.request import TimeSignature
from bridge.value import Value

#: Time signatures with a denominator from here on are counted in beats of three units where their numerator allows.
COMPOUND_DENOMINATOR = 8
TOLERANCE = 1e-9
#: The metre of music of which nothing else is known.
COMMON_TIME = (4, 4)


class Metre(Value, frozen=True):
    """A time signature and what follows from it, in quarter notes.

    A unit is the note value of the denominator. A beat is what a musician taps: the unit, or three units in compound
    metres (6/8: the dotted quarter). Tempi are quarters per minute in every metre, as in MIDI files and DAWs.
    """

    numerator: int = 4
    denominator: int = 4

    @classmethod
    def of(cls, signature: TimeSignature) -> Metre:
        return cls(*signature)

    @property
    def signature(self) -> TimeSignature:
        return self.numerator, self.denominator

    @property
    def is_compound(self) -> bool:
        """Whether three units make a beat: 3/8, 6/8, 9/8, 12/8."""
        return self.denominator >= COMPOUND_DENOMINATOR and self.numerator % 3 == 0

    @property
    def unit_quarters(self) -> float:
        return 4 / self.denominator

    @property
    def beat_quarters(self) -> float:
        """Length of a beat: 1 in 4/4, 1.5 in 6/8. Metres of uneven groups (5/8, 7/8) are counted in units."""
        return self.unit_quarters * (3 if self.is_compound else 1)

    @property
    def tapped_quarters(self) -> float:
        """Length of what is tapped where beats are estimated: 1.5 in 6/8; a quarter in all other metres, 7/8 too."""
        return 1.5 if self.is_compound else 1.0

    @property
    def bar_quarters(self) -> float:
        return self.numerator * self.unit_quarters

    def unit_seconds(self, tempo_bpm: float) -> float:
        return self.unit_quarters * 60 / tempo_bpm

    def bar_seconds(self, tempo_bpm: float) -> float:
        return self.bar_quarters * 60 / tempo_bpm

    def first_bar_seconds(self, beat: float, tempo_bpm: float) -> float:
        """The first start of a bar in a clip that begins `beat` quarters after the song's first bar: 0 up to a bar."""
        return -beat % self.bar_quarters * 60 / tempo_bpm

    def pairs_steps(self, step_quarters: float) -> bool:
        """Whether every beat is a whole number of pairs of steps, so that every second step may swing."""
        return _is_whole(self.beat_quarters / (2 * step_quarters))

    def holds_steps(self, step_quarters: float) -> bool:
        """Whether a bar is a whole number of steps. If not, a grid of them begins anew with every bar."""
        return _is_whole(self.bar_quarters / step_quarters)


def _is_whole(value: float) -> bool:
    return value > 1 - TOLERANCE and abs(value - round(value)) < TOLERANCE
