"""The grid on which music is written down: sixteenths or triplets, as each beat was played, or swung eighths.

Positions are whole numbers of 24ths of a quarter from the start of the first bar: sixteenths, thirty-seconds and
triplets are all exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bridge.model import Music
from bridge.music.grid import EVEN, Grid, swing_ratio
from bridge.music.metre import Metre
from bridge.request import GRIDS

#: Positions in a quarter.
QUARTER = 24
EIGHTH, SIXTEENTH, THIRTY_SECOND, TRIPLET, SEXTUPLET = 12, 6, 3, 8, 4
#: An onset's usual distance from where it is written.
UNSTEADY_SECONDS = 0.022
#: How much worse finer steps must be explained by the coarser ones before they are written: thirty-seconds and
#: sextuplets are rare. And what changing from one to the other costs.
RARITY = {SIXTEENTH: 0.0, TRIPLET: 1.5, THIRTY_SECOND: 8.0, SEXTUPLET: 8.0}
CHANGE = 2.0
#: How much worse a player's eighths may explain a beat than sixteenths, before sixteenths are written.
EIGHTHS_BONUS = 1.5
#: Swung eighths, not triplets: fewer onsets than this share of the off-beats are this near to a triplet's second note.
TRIPLETS_SHARE, TRIPLET_REACH = 0.25, 0.07
#: An onset that lies nowhere near a grid counts as so many times the usual distance.
FARTHEST = 3.0
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
    swing: float = EVEN
    """Where the second eighth of a quarter is played, as a share of it; it is written in the middle."""

    @property
    def bar(self) -> int:
        """Length of a bar."""
        return round(self.metre.bar_quarters * QUARTER)

    @property
    def beat(self) -> int:
        return round(self.metre.beat_quarters * QUARTER)

    def seconds(self, position: int) -> float:
        quarter, within = divmod(position / QUARTER, 1.0)
        early, late = min(within, EVEN) / EVEN, max(0.0, within - EVEN) / (1 - EVEN)
        played = quarter + early * self.swing + late * (1 - self.swing)
        return self.first_seconds + played * 60 / self.tempo_bpm

    def exact_position(self, seconds: float) -> float:
        """The position of a time, which need not be whole."""
        quarter, within = divmod((seconds - self.first_seconds) * self.tempo_bpm / 60, 1.0)
        early, late = min(within, self.swing) / self.swing, max(0.0, within - self.swing) / (1 - self.swing)
        return QUARTER * (quarter + early * EVEN + late * (1 - EVEN))

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


def found_grid(notes: Sequence[tuple[int, float]], music: Music, clip_seconds: float) -> WrittenGrid:
    """The grid that explains the onsets of all players best: for each beat one step, by dynamic programming.

    Args:
        notes: pitch and onset in seconds of each.
        music: its tempo, metre and first beat are taken as they are.
    """
    metre = Metre.of(music.time_signature)
    swing = _swing(notes, music, metre, clip_seconds)
    beat = round(metre.beat_quarters * QUARTER)
    usual = math.gcd(SIXTEENTH, beat)
    plain = WrittenGrid(metre, music.tempo_bpm, music.first_beat_seconds, beat, usual, swing=swing)
    position_seconds = 60 / music.tempo_bpm / QUARTER
    possible = [usual, *(
        step for step in (TRIPLET, THIRTY_SECOND, SEXTUPLET)
        if beat % step == 0 and step != usual and step * position_seconds >= SHORTEST_STEP_SECONDS
        and not (metre.is_compound and step in (TRIPLET, SEXTUPLET))
    )]  # fmt: skip
    beats: dict[int, list[float]] = {}
    for _, onset in notes:
        exact = plain.exact_position(onset)
        beats.setdefault(math.floor(exact / beat), []).append(exact)
    if len(possible) == 1 or not beats or swing != EVEN:
        return plain
    unsteady = UNSTEADY_SECONDS / position_seconds
    numbers = sorted(beats)
    costs = [[_cost(beats[number], beat, step, unsteady) for step in possible] for number in numbers]
    chosen = _cheapest(costs)
    steps = {number: possible[place] for number, place in zip(numbers, chosen, strict=True) if place}
    return replace(plain, steps=steps)


def _swing(notes: Sequence[tuple[int, float]], music: Music, metre: Metre, clip_seconds: float) -> float:
    """Where off-beats are played, as a share of a quarter; even where they are not swung, or belong to triplets."""
    if music.tempo_source == "default" or not metre.pairs_steps(EVEN):
        return EVEN
    quarter = 60 / music.tempo_bpm
    ratio = swing_ratio(notes, Grid.of_pairs(quarter / 2, music.first_beat_seconds), clip_seconds)
    if ratio == EVEN:
        return EVEN
    shares = [(onset - music.first_beat_seconds) / quarter % 1.0 for _, onset in notes]
    seconds, off_beats = (sum(abs(share - place) < TRIPLET_REACH for share in shares) for place in (1 / 3, ratio))
    return ratio if seconds < TRIPLETS_SHARE * off_beats else EVEN


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
