"""The roll of an opened job, drawn from its state; what is costly is kept from one drawing to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.text import Text

from bridge.drawing.colours import RollColours
from bridge.drawing.draw import draw_roll
from bridge.drawing.roll import PartNotes, Roll, RollWindow
from bridge.model import Note
from tui.screens.job.state import JobState


def window(state: JobState, columns: int, rows: int) -> RollWindow:
    """The part of the clip that the roll shows."""
    return RollWindow(state.start_seconds, state.end_seconds, columns, rows)


@dataclass
class RollDrawing:
    """Keeps the notes of each stem in order, and the whole roll, as long as nothing in them changes."""

    _parts: dict[str, tuple[Sequence[Note], PartNotes]] = field(default_factory=dict)
    _roll: Roll | None = None

    def lines(
        self, state: JobState, columns: int, rows: int, colours: RollColours, *, has_colour: bool = True
    ) -> list[Text]:
        """As many lines as `rows`, each of as many cells as `columns`."""
        if columns <= 0 or rows <= 0:
            return []
        head = state.play_seconds if state.seconds > 0 else None
        part = window(state, columns, rows)
        return draw_roll(self._roll_of(state), part, colours, play_seconds=head, has_colour=has_colour)

    def _roll_of(self, state: JobState) -> Roll:
        notes = state.parts
        parts = tuple(self._part(stem, notes.get(stem, ())) for stem in state.names)
        known = math.inf if state.view is None else state.view.known_seconds
        made, facts = self._roll, (state.seconds, state.music, state.chords, known, state.highlighted)
        if (
            made is None
            or len(made.parts) != len(parts)
            or any(one is not other for one, other in zip(made.parts, parts, strict=True))
            or (made.seconds, made.music, made.chords, made.known_seconds, made.chosen) != facts
        ):
            self._roll = made = Roll(parts, state.seconds, state.music, state.chords, known, state.highlighted)
        return made

    def _part(self, stem: str, notes: Sequence[Note]) -> PartNotes:
        kept = self._parts.get(stem)
        if kept is None or kept[0] is not notes:
            kept = self._parts[stem] = notes, PartNotes(stem, notes)
        return kept[1]
