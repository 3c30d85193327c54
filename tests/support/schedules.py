"""Arbitrary schedules for hypothesis: overlapping notes, bends, pedals, and note-offs without a note-on."""

from __future__ import annotations

from hypothesis import strategies as st

from bridge.midi.schedule import Schedule, schedule

channels = st.integers(0, 15)
values = st.integers(0, 127)
#: Few pitches and channels, so that a note often starts again while it sounds.
pitches = st.integers(60, 63)


def _message(kind: int, first: st.SearchStrategy[int], second: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    return st.builds(lambda channel, a, b: bytes((kind | channel, a, b)), st.integers(0, 2), first, second)


messages = st.one_of(
    _message(0x90, pitches, values),
    _message(0x80, pitches, values),
    _message(0xE0, values, values),
    _message(0xB0, st.sampled_from((1, 64)), values),
)
parameters = _message(0xB0, st.sampled_from((6, 101)), values)


def schedules(stem: str = "vocals", job: str = "job") -> st.SearchStrategy[Schedule]:
    settings = st.lists(st.tuples(st.floats(0, 0.05, allow_nan=False), parameters), max_size=5)
    timed = st.lists(st.tuples(st.floats(0, 4, allow_nan=False), messages), max_size=40)
    return st.builds(lambda early, pairs: schedule(job, stem, [*early, *pairs]), settings, timed)
