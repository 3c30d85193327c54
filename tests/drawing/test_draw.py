"""Notes drawn in the terminal: every size is exact, and every note can be seen where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from bridge.drawing.colours import RollColours, blended
from bridge.drawing.draw import MARGIN, column_of, draw_roll, seconds_at
from bridge.drawing.roll import Roll, RollWindow, parts_of
from bridge.model import Bend, Chord, Music, Note, TempoPoint

COLOURS = RollColours()
MUSIC = Music(tempo_bpm=120.0, tempo_source="given")
#: Eight seconds in 64 cells: four bars of 16 cells.
WINDOW = RollWindow(0.0, 8.0, MARGIN + 64, 14)


def note(onset: float, pitch: int, seconds: float = 0.5, velocity: int = 100, bends: tuple[Bend, ...] = ()) -> Note:
    return Note(onset_seconds=onset, offset_seconds=onset + seconds, pitch=pitch, velocity=velocity, bends=bends)


def roll_of(*notes: Note, stem: str = "bass", seconds: float = 8.0, **more: object) -> Roll:
    return Roll(parts_of([(stem, notes)]), seconds, MUSIC, **more)  # type: ignore[arg-type]


def plain_lines(roll: Roll, window: RollWindow = WINDOW) -> list[str]:
    return [line.plain for line in draw_roll(roll, window, COLOURS, has_colour=False)]


def style_at(line: Text, column: int) -> str:
    return next(str(span.style) for span in line.spans if span.start <= column < span.end)


notes = st.lists(
    st.builds(
        note,
        st.floats(0, 60),
        st.integers(0, 127),
        st.floats(0.001, 20),
        st.integers(1, 127),
        st.lists(st.builds(Bend, time_seconds=st.floats(0, 60), semitones=st.floats(-48, 48)), max_size=3).map(tuple),
    ),
    max_size=12,
)


@given(
    st.dictionaries(st.sampled_from(["vocals", "drums", "bass", "שיר"]), notes, max_size=4),
    st.floats(-5, 90),
    st.floats(0.05, 90),
    st.integers(0, 200),
    st.integers(0, 40),
    st.sampled_from([(4, 4), (7, 8), (6, 8), (2, 4)]),
    st.sampled_from(["", "drums", "bass"]),
    st.booleans(),
)
def test_every_size_is_exact_whatever_is_drawn(
    parts: dict[str, list[Note]],
    start: float,
    seconds: float,
    columns: int,
    rows: int,
    signature: tuple[int, int],
    chosen: str,
    has_colour: bool,
) -> None:
    music = Music(tempo_bpm=97.3, tempo_source="estimated", first_beat_seconds=0.31, time_signature=signature)
    chords = (Chord(start_seconds=1.0, end_seconds=3.0, name="Bbsus4"),)
    roll = Roll(parts_of(parts.items()), 60.0, music, chords, known_seconds=41.0, chosen=chosen)
    window = RollWindow(start, start + seconds, columns, rows)
    lines = draw_roll(roll, window, COLOURS, play_seconds=12.0, has_colour=has_colour)
    assert [cell_len(line.plain) for line in lines] == [columns] * rows


@given(st.integers(0, 127), st.floats(0, 7.9), st.floats(0.01, 8), st.integers(1, 127), st.integers(4, 40))
def test_every_note_can_be_seen(pitch: int, onset: float, seconds: float, velocity: int, rows: int) -> None:
    lines = plain_lines(roll_of(note(onset, pitch, seconds, velocity)), RollWindow(0.0, 8.0, MARGIN + 64, rows))
    column = column_of(onset, WINDOW)
    assert any(line[column] in "▀▄█" for line in lines[1:])


@given(st.integers(1, 126), st.integers(0, 126))
def test_the_higher_note_is_above(low: int, span: int) -> None:
    high = min(127, low + 1 + span)
    lines = plain_lines(roll_of(note(0.0, low, 0.1), note(4.0, high, 0.1)), RollWindow(0.0, 8.0, MARGIN + 64, 65))
    places = [next(y for y, line in enumerate(lines[1:]) if line[column] in "▀▄█") for column in (MARGIN, MARGIN + 32)]
    assert places[1] <= places[0]


def test_bars_are_numbered_where_they_begin() -> None:
    ruler, *rest = plain_lines(roll_of(note(0.0, 40)))
    assert ruler.rstrip() == " " * MARGIN + "1               2               3               4"
    assert [column - MARGIN for column, character in enumerate(rest[-1]) if character == "│"] == [0, 16, 32, 48]
    assert [column - MARGIN for column, character in enumerate(rest[-1]) if character == "┊"][:3] == [4, 8, 12]


def test_bars_follow_a_tempo_that_changes() -> None:
    points = (TempoPoint(seconds=0.0, quarters=0.0, bpm=120.0), TempoPoint(seconds=2.0, quarters=4.0, bpm=60.0))
    music = Music(tempo_bpm=75.0, tempo_source="estimated", tempo_map=points)
    lines = plain_lines(Roll(parts_of([("bass", [note(0.0, 40)])]), 8.0, music))
    assert lines[0].rstrip() == " " * MARGIN + "1" + " " * 15 + "2" + " " * 31 + "3"


def test_drums_have_lanes_by_their_names_and_louder_hits_are_higher() -> None:
    hits = [note(0.0, 36, velocity=120), note(1.0, 36, velocity=20), note(0.5, 38), note(2.0, 77)]
    *_, other, snare, kick = plain_lines(roll_of(*hits, stem="drums"))
    assert kick.startswith(" Kick █") and kick[MARGIN + 8] == "▂"
    assert snare.startswith("Snare")
    assert other.startswith("   77")


def test_the_rarest_drums_have_no_lane_where_there_is_no_room() -> None:
    hits = [note(at / 10, 36) for at in range(9)] + [note(1.0, 49)]
    window = RollWindow(0.0, 8.0, MARGIN + 64, 2)
    assert plain_lines(roll_of(*hits, stem="drums"), window)[1].startswith(" Kick")


def test_a_bend_moves_the_note_up_and_down() -> None:
    bends = (Bend(time_seconds=1.0, semitones=2.0), Bend(time_seconds=2.0, semitones=-2.0))
    lines = plain_lines(roll_of(note(0.0, 40, 3.0, bends=bends)), RollWindow(0.0, 8.0, MARGIN + 64, 8))
    rows = [next(y for y, line in enumerate(lines[1:]) if line[MARGIN + column] in "▀▄█") for column in (0, 12, 20)]
    assert rows[1] < rows[0] < rows[2]


def test_repeated_notes_are_told_apart_with_and_without_colour() -> None:
    roll = roll_of(note(0.0, 40, 1.0), note(1.0, 40, 1.0))
    row = next(line for line in plain_lines(roll) if "▀" in line or "▄" in line or "█" in line)
    assert row[MARGIN + 6] == row[MARGIN + 8] != row[MARGIN + 7]
    drawn = draw_roll(roll, WINDOW, COLOURS)
    line = next(line for line in drawn if any(block in line.plain for block in "▀▄█"))
    assert style_at(line, MARGIN + 7) != style_at(line, MARGIN + 8)


def test_a_soft_note_is_paler_than_a_loud_one_and_those_behind_are_palest() -> None:
    def share(velocity: int, is_behind: bool) -> int:
        return int(COLOURS.of_note("bass", velocity, begins=True, is_behind=is_behind)[5:7], 16)

    assert share(127, False) > share(20, False) > share(127, True)


def test_the_chosen_stem_lies_over_the_others_and_sets_the_range() -> None:
    parts = parts_of([("bass", [note(0.0, 40)]), ("vocals", [note(0.0, 40), note(1.0, 90)])])
    roll = Roll(parts, 8.0, MUSIC, chosen="bass")
    assert roll.pitches == (34, 46)
    drawn = [style_at(line, MARGIN) for line in draw_roll(roll, WINDOW, COLOURS) if line.plain[MARGIN] in "▀▄█"]
    assert set(drawn) == {COLOURS.of_note("bass", 100, begins=True, is_behind=False)}


def test_a_chord_whose_name_has_no_room_is_not_named_as_another() -> None:
    chords = (
        Chord(start_seconds=0.0, end_seconds=4.0, name="Bbsus4"),
        Chord(start_seconds=4.0, end_seconds=4.5, name="Bbsus4"),
    )
    assert plain_lines(roll_of(note(0.0, 40), chords=chords))[1].split() == ["Bbsus4", "·"]


def test_what_is_not_known_yet_is_shaded_and_nothing_follows_the_end() -> None:
    bottom = plain_lines(roll_of(note(0.0, 40), seconds=6.0, known_seconds=3.0))[-1]
    assert set(bottom[MARGIN + 24 : MARGIN + 48]) == {"░"}
    assert bottom[MARGIN + 48 :].strip() == ""


def test_the_play_head_stands_at_what_sounds() -> None:
    lines = draw_roll(roll_of(note(0.0, 40)), WINDOW, COLOURS, play_seconds=4.0)
    assert all(line.plain[MARGIN + 32] == "┃" for line in lines[1:])
    outside = draw_roll(roll_of(note(0.0, 40)), WINDOW, COLOURS, play_seconds=99.0)
    assert not any("┃" in line.plain for line in outside)


def test_the_play_head_leaves_bars_and_chords_readable() -> None:
    roll = roll_of(note(0.0, 40), chords=(Chord(start_seconds=0.0, end_seconds=4.0, name="Bbm7"),))
    ruler, chords, first, *_ = (line.plain for line in draw_roll(roll, WINDOW, COLOURS, play_seconds=0.0))
    assert (ruler[MARGIN], chords[MARGIN : MARGIN + 4], first[MARGIN]) == ("1", "Bbm7", "┃")


@given(st.integers(MARGIN, MARGIN + 63))
def test_a_column_begins_at_its_moment(column: int) -> None:
    assert column_of(seconds_at(column, WINDOW) + 1e-9, WINDOW) == column


@pytest.mark.parametrize(("share", "colour"), [(0.0, "#102030"), (1.0, "#ffffff"), (0.5, "#889098")])
def test_colours_blend(share: float, colour: str) -> None:
    assert blended("#102030", "#ffffff", share) == colour
