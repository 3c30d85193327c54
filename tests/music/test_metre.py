"""Metre, beat, tempo and grid are one model, in every metre."""

from __future__ import annotations

import io

import mido  # type: ignore[import-untyped]
import pytest

from bridge.audio.wav_chunks import acid
from bridge.model import Music, Note
from bridge.music.metre import Metre
from bridge.music.quantise import quantised
from bridge.pipeline.notes import known_music
from bridge.request import GRIDS, Quantise
from bridge.score.systems import picture_systems
from bridge.smf.writing import midi_file
from tests.support.requests import request_for

#: Time signature, quarters of a bar, quarters of a beat.
METRES = [
    ((2, 4), 2.0, 1.0),
    ((2, 2), 4.0, 2.0),
    ((3, 4), 3.0, 1.0),
    ((4, 4), 4.0, 1.0),
    ((5, 4), 5.0, 1.0),
    ((7, 4), 7.0, 1.0),
    ((3, 8), 1.5, 1.5),
    ((5, 8), 2.5, 0.5),
    ((6, 8), 3.0, 1.5),
    ((7, 8), 3.5, 0.5),
    ((9, 8), 4.5, 1.5),
    ((12, 8), 6.0, 1.5),
]
TEMPO = 105.0
QUARTER = 60 / TEMPO
signatures = pytest.mark.parametrize("signature", [row[0] for row in METRES], ids=lambda one: f"{one[0]}/{one[1]}")


def note(onset: float) -> Note:
    return Note(onset_seconds=onset, offset_seconds=onset + 0.1, pitch=60, velocity=90)


@pytest.mark.parametrize(("signature", "bar", "beat"), METRES)
def test_bars_and_beats_in_quarters(signature: tuple[int, int], bar: float, beat: float) -> None:
    metre = Metre.of(signature)
    assert (metre.bar_quarters, metre.beat_quarters) == (bar, beat)
    assert metre.bar_seconds(TEMPO) == pytest.approx(bar * QUARTER)


def test_dotted_quarters_at_70_are_quarters_at_105() -> None:
    assert Metre(6, 8).bar_seconds(105) == pytest.approx(2 * 60 / 70)


@signatures
def test_bar_lines_of_a_picture(signature: tuple[int, int]) -> None:
    metre, music = Metre.of(signature), Music(tempo_bpm=TEMPO, tempo_source="given", time_signature=signature)
    lines = [line for line in picture_systems(music, 20.0).lines(0.0, 20.0) if line.label]
    assert [line.label for line in lines[:3]] == ["1", "2", "3"]
    assert [line.seconds for line in lines[:3]] == pytest.approx([bar * metre.bar_seconds(TEMPO) for bar in range(3)])


@signatures
def test_a_midi_file_has_quarters_a_minute_and_clicks_on_beats(signature: tuple[int, int]) -> None:
    file = mido.MidiFile(file=io.BytesIO(midi_file({"bass": []}, seconds=4, tempo_bpm=TEMPO, metre=signature)))
    tempo, metre = file.tracks[0][0], file.tracks[0][1]
    assert 60e6 / tempo.tempo == pytest.approx(TEMPO, rel=1e-4)
    assert (metre.numerator, metre.denominator) == signature
    assert metre.clocks_per_click == 24 * Metre.of(signature).beat_quarters


@signatures
def test_a_wav_file_has_the_metre(signature: tuple[int, int]) -> None:
    _, chunk = acid(TEMPO, 60.0, signature)
    assert (int.from_bytes(chunk[18:20], "little"), int.from_bytes(chunk[16:18], "little")) == signature
    assert int.from_bytes(chunk[12:16], "little") == TEMPO


@signatures
@pytest.mark.parametrize("grid", sorted(GRIDS))
def test_a_grid_begins_with_every_bar(signature: tuple[int, int], grid: str) -> None:
    metre = Metre.of(signature)
    starts = [bar * metre.bar_seconds(TEMPO) for bar in range(8)]
    moved = quantised([note(start + 0.01) for start in starts], Quantise(grid=grid), TEMPO, metre=metre)
    assert [one.onset_seconds for one in moved] == pytest.approx(starts)


@signatures
def test_units_stay_where_they_are_on_a_grid_of_units(signature: tuple[int, int]) -> None:
    metre, grid = Metre.of(signature), {4: "1/4", 8: "1/8", 2: "1/4"}[signature[1]]
    units = [unit * metre.unit_seconds(TEMPO) for unit in range(4 * signature[0])]
    moved = quantised([note(unit + 0.012) for unit in units], Quantise(grid=grid), TEMPO, metre=metre)
    assert [one.onset_seconds for one in moved] == pytest.approx(units)


def test_eighths_of_6_8_are_no_swung_pairs() -> None:
    """Played off the grid by as much as a light swing would be."""
    eighth = QUARTER / 2
    played = [note(unit * eighth + (0.06 if unit % 2 else 0.0)) for unit in range(24)]
    moved = quantised(played, Quantise(grid="1/8"), TEMPO, metre=Metre(6, 8))
    assert [one.onset_seconds for one in moved] == pytest.approx([unit * eighth for unit in range(24)])
    swung = quantised(played, Quantise(grid="1/8"), TEMPO, metre=Metre(4, 4))
    assert swung[1].onset_seconds == pytest.approx(eighth + 0.06, abs=0.005)


@pytest.mark.parametrize(("signature", "first"), [("4/4", 2.0), ("6/8", 2.0), ("7/8", 2.5), ("3/4", 2.0)])
def test_the_songs_position_says_where_bars_begin(signature: str, first: float) -> None:
    """The clip starts 22 quarters after the song: after 5.5, 7.33, 6.29 and 7.33 bars."""
    metre = Metre.of((int(signature[0]), int(signature[2])))
    request = request_for("/a.wav", tempo_bpm=120.0, beat=22.0, time_signature=metre.signature)
    nothing = lambda: pytest.fail("nothing is to be estimated")  # noqa: E731
    music = known_music(request, nothing, nothing)
    assert music.first_beat_seconds == pytest.approx(first / 2)
    assert (22.0 + first) % metre.bar_quarters == 0
