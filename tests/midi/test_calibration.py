from __future__ import annotations

from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import load_settings
from bridge.errors import BadArguments
from bridge.midi.calibration import CLICKS, FIRST_PITCH, MAX_HITS, MIN_CLICKS, Calibration, calibrate, clicks
from bridge.midi.offsets import (
    offsets_file,
    offsets_ms,
    offsets_seconds,
    read_calibrated_offsets,
    write_calibrated_offsets,
)
from bridge.smf.reading import TimedMessage, read_midi

TICKS = 960


def recording(
    late_ms: float, *, tempo: float = 120.0, count_in: int = 0, lost: frozenset[int] = frozenset()
) -> list[TimedMessage]:
    """What a DAW at that tempo records; its clip begins `count_in` beats before the first click."""
    beat = 60 / tempo
    onsets = [(count_in + click) * beat + late_ms / 1000 for click in range(CLICKS)]
    return [
        TimedMessage(at, bytes((0x90, FIRST_PITCH + click, 100)), at / beat)
        for click, at in enumerate(onsets)
        if click not in lost
    ]


@given(
    st.floats(-150, 150),
    st.floats(40, 180),
    st.integers(1, 64),
    st.frozensets(st.integers(0, CLICKS - 1), max_size=CLICKS - MIN_CLICKS),
)
def test_the_offset_is_found_at_any_tempo_after_any_count_in_and_with_clicks_missing(
    late_ms: float, tempo: float, count_in: int, lost: frozenset[int]
) -> None:
    found = calibrate(recording(late_ms, tempo=tempo, count_in=count_in, lost=lost))
    assert found.late_ms == pytest.approx(late_ms, abs=0.01)
    assert found.offset_ms == pytest.approx(-late_ms, abs=0.02)
    assert found.clicks == CLICKS - len(lost)
    assert found.spread_ms == pytest.approx(0, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 12), st.integers(48, 90)), max_size=40))
def test_other_notes_in_the_recording_change_nothing(others: list[tuple[float, int]]) -> None:
    # Closer than this, another note of a click's pitch cannot be distinguished from the click.
    far = [(at, pitch) for at, pitch in others if abs(at - (4 + pitch - FIRST_PITCH) * 0.5) > 0.2]
    noise = [TimedMessage(at, bytes((0x90, pitch, 50)), at * 2) for at, pitch in far]
    messages = sorted([*recording(7, count_in=4), *noise], key=lambda message: message.seconds)
    found = calibrate(messages)
    if found.clicks == CLICKS:
        assert found.late_ms == pytest.approx(7, abs=0.01)
    assert found.clicks >= CLICKS


def test_the_median_is_not_moved_by_a_click_or_two_that_came_late() -> None:
    messages = recording(3, count_in=1)
    for click in (2, 9):
        late = messages[click]
        messages[click] = TimedMessage(late.seconds + 0.03, late.data, late.quarters + 0.06)
    assert calibrate(messages).late_ms == pytest.approx(3, abs=0.01)


def test_two_takes_in_one_recording_are_not_mixed() -> None:
    first = recording(5, count_in=4, lost=frozenset(range(8, CLICKS)))
    messages = [*first, *recording(9, count_in=16)]
    assert calibrate(messages) == Calibration(late_ms=9, spread_ms=0, clicks=CLICKS)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "0 of the 16 clicks"),
        (recording(5, lost=frozenset(range(9))), "7 of the 16 clicks"),
        ([TimedMessage(i * 0.37, bytes((0x90, 40 + i, 90)), i * 0.74) for i in range(60)], "1 of the 16 clicks"),
        ([TimedMessage(0.0, bytes((0x90, 60, 90)), 0.0)] * (MAX_HITS + 1), "notes of the clicks' pitches"),
    ],
    ids=["nothing", "too few", "a scale", "a drone"],
)
def test_a_recording_of_something_else_is_refused_with_advice(messages: list[TimedMessage], words: str) -> None:
    with pytest.raises(BadArguments, match=words) as refused:
        calibrate(messages)
    assert "sab calibrate --play" in str(refused.value)


def test_uneven_clicks_are_refused() -> None:
    uneven = [
        TimedMessage(message.seconds + shift, message.data, message.quarters + 2 * shift)
        for message, shift in zip(recording(0, count_in=1), (0.0, 0.0, 0.04, 0.045) * 4, strict=True)
    ]
    with pytest.raises(BadArguments, match="too uneven"):
        calibrate(uneven)


def test_a_file_is_read_by_its_own_tempo_map(tmp_path: Path) -> None:
    """90 BPM, two bars of count-in, every click 6 ms late; a slower tempo before it."""
    marks = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(60)),
            mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90), time=4 * TICKS),
        ]
    )
    late = round(0.006 * 1.5 * TICKS)
    notes = mido.MidiTrack()
    now = 0
    for click in range(CLICKS):
        at = (8 + click) * TICKS + late
        notes.append(mido.Message("note_on", note=FIRST_PITCH + click, time=at - now))
        notes.append(mido.Message("note_off", note=FIRST_PITCH + click, time=100))
        now = at + 100
    mido.MidiFile(ticks_per_beat=TICKS, tracks=[marks, notes]).save(tmp_path / "take.mid")
    found = calibrate(read_midi(tmp_path / "take.mid").messages)
    assert found.late_ms == pytest.approx(6, abs=0.5)  # a tick is 0.7 ms
    assert found.clicks == CLICKS


def test_the_clicks_are_a_beat_apart_and_each_has_its_pitch() -> None:
    notes = clicks(100)
    assert [note.onset_seconds for note in notes] == pytest.approx([click * 0.6 for click in range(CLICKS)])
    assert len({note.pitch for note in notes}) == CLICKS


def test_calibrated_offsets_apply_unless_the_settings_override_them(tmp_path: Path) -> None:
    settings = load_settings({"SAB_STATE_DIR": str(tmp_path / "state"), "SAB_MIDI_OFFSETS_MS": "bass=4"})
    assert offsets_ms(settings) == {"bass": 4.0}
    write_calibrated_offsets(offsets_file(settings), {"bass": -7.0, "vocals": -2.5})
    assert read_calibrated_offsets(offsets_file(settings)) == {"bass": -7.0, "vocals": -2.5}
    assert offsets_seconds(settings) == pytest.approx({"bass": 0.004, "vocals": -0.0025})
    write_calibrated_offsets(offsets_file(settings), {})
    assert offsets_ms(settings) == {"bass": 4.0}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"vocals": "late"}', b'{"vocals": 5000}', b'{"singer": 1}', b"\xff"])
def test_a_damaged_file_of_offsets_is_ignored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "offsets.json").write_bytes(content)
    assert read_calibrated_offsets(tmp_path / "offsets.json") == {}
