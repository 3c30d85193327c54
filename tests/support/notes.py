"""Notes for tests: a hypothesis strategy and a short constructor."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import strategies as st

from bridge.model import Bend, Note


@st.composite
def note_lists(draw: st.DrawFn, *, overlapping: bool = True) -> list[Note]:
    notes: list[Note] = []
    free: dict[int, float] = defaultdict(float)
    for _ in range(draw(st.integers(0, 12))):
        pitch = draw(st.integers(58, 63))
        onset = draw(st.floats(0, 30)) if overlapping else free[pitch] + draw(st.floats(0.01, 2))
        offset = onset + draw(st.floats(0.02, 3))
        free[pitch] = offset
        velocity = draw(st.integers(1, 127))
        times = sorted(draw(st.lists(st.floats(onset, offset), max_size=4)))
        bends = tuple(Bend(time_seconds=time, semitones=draw(st.floats(-3, 3))) for time in times)
        notes.append(Note(onset_seconds=onset, offset_seconds=offset, pitch=pitch, velocity=velocity, bends=bends))
    return notes


def note(onset: float, offset: float, pitch: int = 60, velocity: int = 100, bends: tuple[Bend, ...] = ()) -> Note:
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=pitch, velocity=velocity, bends=bends)
