"""The grid on which music is written down: sixteenths or triplets, as each beat was played.

Positions are whole numbers of 24ths of a quarter from the start of the first bar: sixteenths, thirty-seconds and
triplets are all exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bridge.model import Music
from bridge.music.metre import Metre
from bridge.request import GRIDS

#: Positions in a quarter.
QUARTER = 24
EIGHTH, SIXTEENTH, THIRTY_SECOND, TRIPLET, SEXTUPLET = 12, 6, 3, 8, 4
#: An onset's usual distance from where it is written.
UNSTEADY_SECONDS = 0.022
#: How much worse finer steps must be explained by the coarser ones before they are written: thirty-seconds and
#: sextuplets are rare. And what changing from one to the other costs.
RARITY = {SIXTEENTH: 0.0, TRIPLET: 1.5, THIRTY_SECOND: 5.0, SEXTUPLET: 6.0}
CHANGE = 2.0
#: How much worse a player's eighths may explain a beat than sixteenths, before sixteenths are written.
EIGHTHS_BONUS = 1.5
#: An onset that lies nowhere near a grid counts as so many times the usual distance.
FARTHEST = 4.0
#: Nobody writes faster notes than this one after the other.
SHORTEST_STEP_SECONDS = 0.07


@dataclass(frozen=True)
class WrittenGrid:
    """Where notes may be written."""

    metre: Metre
    tempo_bpm: float
    first_seconds: float
    """When the first bar starts."""
    cell: int
    """Length of what has steps of its own: a beat, or a bar."""
    usual_step: int
    steps: dict[int, int] = field(default_factory=dict)
    """The step of each cell that has another than the usual one, by its number from the first bar's start."""

    @property
    def bar(self) -> int:
        """Length of a bar."""
        return round(self.metre.bar_quarters * QUARTER)

    @property
    def beat(self) -> int:
        return round(self.metre.beat_quarters * QUARTER)

    def seconds(self, position: int) -> float:
        return self.first_seconds + position / QUARTER * 60 / self.tempo_bpm

    def exact_position(self, seconds: float) -> float:
        """The position of a time, which need not be whole."""
        return (seconds - self.first_seconds) * self.tempo_bpm / 60 * QUARTER

    def step_at(self, position: float) -> int:
        return self.steps.get(math.floor(position / self.cell), self.usual_step)

    def nearest(self, seconds: float) -> int:
        """The position nearest to a time; halfway, the earlier one. Later times never get earlier positions."""
        return _nearest(self.exact_position(seconds), self.cell, self.step_at(self.exact_position(seconds)))


def given_grid(grid: str, music: Music) -> WrittenGrid:
    """The grid that the user chose, one of `GRIDS`; in odd metres it begins anew with every bar."""
    metre = Metre.of(music.time_signature)
    bar = round(metre.bar_quarters * QUARTER)
    return WrittenGrid(metre, music.tempo_bpm, music.first_beat_seconds, bar, round(GRIDS[grid] * QUARTER))


def found_grid(onsets: Iterable[float], music: Music) -> WrittenGrid:
    """The grid that explains the onsets of all players best: for each beat one step, by dynamic programming.

    Args:
        onsets: in seconds.
        music: its tempo, metre and first beat are taken as they are.
    """
    metre = Metre.of(music.time_signature)
    beat = round(metre.beat_quarters * QUARTER)
    usual = math.gcd(SIXTEENTH, beat)
    plain = WrittenGrid(metre, music.tempo_bpm, music.first_beat_seconds, beat, usual)
    position_seconds = 60 / music.tempo_bpm / QUARTER
    possible = [usual, *(
        step for step in (TRIPLET, THIRTY_SECOND, SEXTUPLET)
        if beat % step == 0 and step != usual and step * position_seconds >= SHORTEST_STEP_SECONDS
        and not (metre.is_compound and step in (TRIPLET, SEXTUPLET))
    )]  # fmt: skip
    beats: dict[int, list[float]] = {}
    for onset in onsets:
        exact = plain.exact_position(onset)
        beats.setdefault(math.floor(exact / beat), []).append(exact)
    if len(possible) == 1 or not beats:
        return plain
    unsteady = UNSTEADY_SECONDS / position_seconds
    numbers = sorted(beats)
    costs = [[_cost(beats[number], beat, step, unsteady) for step in possible] for number in numbers]
    chosen = _cheapest(costs)
    steps = {number: possible[place] for number, place in zip(numbers, chosen, strict=True) if place}
    return WrittenGrid(metre, music.tempo_bpm, music.first_beat_seconds, beat, usual, steps)


def with_eighths(grid: WrittenGrid, onsets: Iterable[float]) -> WrittenGrid:
    """The grid of one player: as `grid`, but in eighths where they explain the player's onsets as well as sixteenths.

    A singer's late onset is not written as a sixteenth only because the hi-hat plays some.
    """
    if grid.usual_step != SIXTEENTH or grid.cell % EIGHTH:
        return grid
    unsteady = UNSTEADY_SECONDS / (60 / grid.tempo_bpm / QUARTER)
    beats: dict[int, list[float]] = {}
    for onset in onsets:
        exact = grid.exact_position(onset)
        beats.setdefault(math.floor(exact / grid.cell), []).append(exact)
    plain = {
        number: EIGHTH
        for number, exact in beats.items()
        if number not in grid.steps
        and _cost(exact, grid.cell, EIGHTH, unsteady) <= _cost(exact, grid.cell, SIXTEENTH, unsteady) + EIGHTHS_BONUS
    }
    return replace(grid, steps={**grid.steps, **plain})


def _cost(positions: Sequence[float], cell: int, step: int, unsteady: float) -> float:
    """How badly a step explains onsets within one beat."""
    distances = (abs(position - _nearest(position, cell, step)) / unsteady for position in positions)
    return sum(min(distance, FARTHEST) ** 2 / 2 for distance in distances) + RARITY.get(step, 0.0)


def _cheapest(costs: Sequence[Sequence[float]]) -> list[int]:
    """For each beat the place of its step: the path with the least costs, changes included."""
    best, previous = list(costs[0]), []
    for now in costs[1:]:
        top = min(range(len(best)), key=best.__getitem__)
        previous.append([place if best[place] <= best[top] + CHANGE else top for place in range(len(best))])
        best = [min(best[place], best[top] + CHANGE) + cost for place, cost in enumerate(now)]
    place = min(range(len(best)), key=best.__getitem__)
    path = [place]
    for step in reversed(previous):
        place = step[place]
        path.append(place)
    return path[::-1]


def _nearest(position: float, cell: int, step: int) -> int:
    start = math.floor(position / cell) * cell
    # The last step of a cell may be shorter, where a bar is no whole number of steps.
    points = (start + min(cell, math.floor((position - start) / step) * step + further) for further in (0, step))
    return min(points, key=lambda point: (abs(point - position), point))
