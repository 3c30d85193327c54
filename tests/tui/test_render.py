from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from bridge.errors import ADVICE
from bridge.events import ComputingMoved, Event
from bridge.model import MidiStatus, Music
from bridge.plain import plain
from tests.support.requests import request_for
from tests.support.scenes import (
    ADDRESS,
    NO_MIDI,
    PORTS,
    busy_session,
    cancelled,
    done,
    failed,
    running,
    session_with_failure,
    submitted,
    waiting,
)
from tui.log_lines import LogLine
from tui.render import log
from tui.render.bar import bar, percent_text
from tui.render.details import details, region_words
from tui.render.fit import fit, wrap
from tui.render.job import eta_text, file_count, job_row, stage_words, table_heading
from tui.render.roles import PLAIN, Palette
from tui.render.status import header_line, ports_panel, welcome
from tui.state import ViewState, view_after

STYLES = Palette(text="t", accent="a", good="g", warning="w", bad="b", muted="m")


@pytest.mark.parametrize(
    ("fraction", "cells", "filled"),
    [
        (0.0, 4, ""),
        (0.25, 4, "█"),
        (0.5, 1, "▌"),
        (0.40625, 4, "█▋"),
        (1.0, 4, "████"),
        (1e-9, 4, "▏"),
        (0.9999, 4, "███▉"),
        (-3.0, 4, ""),
        (7.0, 2, "██"),
    ],
)
def test_a_bar_has_a_resolution_of_an_eighth_of_a_cell(fraction: float, cells: int, filled: str) -> None:
    assert bar(fraction, cells) == (filled, " " * (cells - len(filled)))


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 60))
def test_a_bar_grows_with_the_fraction(one: float, other: float, cells: int) -> None:
    def length(fraction: float) -> int:
        return sum("▏▎▍▌▋▊▉█".index(block) + 1 for block in bar(fraction, cells)[0])

    low, high = sorted((one, other))
    assert length(low) <= length(high)


@pytest.mark.parametrize(("fraction", "text"), [(0.0, "0%"), (0.427, "42%"), (0.9999, "99%"), (1.0, "100%")])
def test_only_a_complete_job_shows_a_hundred_percent(fraction: float, text: str) -> None:
    assert percent_text(fraction) == text


@given(st.text(), st.integers(0, 40), st.booleans())
def test_fitted_text_fills_its_cells_exactly(text: str, cells: int, right: bool) -> None:
    fitted = fit(text, cells, right=right)
    assert cell_len(fitted) == cells
    assert fitted.isprintable()


@given(st.text(), st.integers(2, 40))
def test_wrapped_text_stays_within_its_cells_and_loses_nothing(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert lines
    assert all(cell_len(line) <= cells for line in lines)
    characters = [character for character in plain(text) if not character.isspace()]
    assert [character for line in lines for character in line if not character.isspace()] == characters


@pytest.mark.parametrize("width", [72, 80, 109, 110, 120, 200])
def test_every_row_fills_the_width(width: int) -> None:
    rows = [job_row(job, width, PLAIN) for job in (*busy_session(), *session_with_failure())]
    assert {cell_len(text.plain) for text in (*rows, table_heading(width, PLAIN))} == {width}


def test_a_running_job_shows_stage_bar_and_time() -> None:
    text = job_row(running("Song", "transcribing", 0.5, 75.0), 80, PLAIN).plain
    assert "finding notes" in text
    assert "█████      " in text
    assert "50%" in text
    assert "1:15" in text
    assert "htdemucs" in text


def test_an_unknown_time_left_is_not_shown() -> None:
    assert eta_text(running("Song", "loading", 0.0, None)) == ""
    assert eta_text(running("Song", "loading", 0.0, -1)) == ""


def test_jobs_that_are_over_show_their_outcome() -> None:
    assert "→ stems/Song" in job_row(done("Song"), 80, PLAIN).plain
    assert "No room" in job_row(failed("Song", "out_of_space", "No room."), 80, PLAIN).plain
    assert "cancelled" in job_row(cancelled("Song"), 80, PLAIN).plain
    assert "playing" in job_row(done("Song"), 80, PLAIN, playing=True).plain


def test_a_job_that_is_done_with_a_warning_has_a_mark() -> None:
    plain, warned = job_row(done("Song"), 80, STYLES), job_row(done("Song", warning="No note was found."), 80, STYLES)
    assert (plain.plain[1], warned.plain[1]) == ("●", "!")
    assert plain.plain[2:] == warned.plain[2:]
    assert [str(span.style) for span in warned.spans if span.start <= 1 < span.end] == ["bold w"]
    assert job_row(done("Song", warning="x"), 80, STYLES, playing=True).plain[1] == "♪"


def test_states_and_file_counts_in_words() -> None:
    jobs = (waiting("Song"), running("Song", "separating", 0.1, None), done("Song"))
    assert [stage_words(job) for job in jobs] == ["waiting", "separating", "done"]
    assert [file_count(job.results) for job in jobs] == ["", "", "4 stems, 4 MIDI"]


@pytest.mark.parametrize("width", [30, 48, 76])
def test_details_fit_their_panel(width: int) -> None:
    for job in (*busy_session(), *session_with_failure()):
        assert all(cell_len(line) <= width for line in details(job, width, PLAIN).plain.splitlines())


def test_details_name_every_file_and_the_folder() -> None:
    text = details(done("Night Bus", warning="It would clip."), 90, PLAIN).plain
    assert "/home/ana/Music/Evening Set/stems/Night Bus\n" in text
    assert "vocals  Night Bus (Vocals).wav, 3:34, 24-bit   + .mid, 366 notes" in text
    assert "! It would clip." in text


def test_details_name_tempo_metre_key_and_chords_of_a_finished_job() -> None:
    music = Music(tempo_bpm=98.0, tempo_source="given", chords="C Am F G")
    shown = details(replace(done("Night Bus"), music=music), 90, PLAIN).plain
    assert "Music   98 BPM given · 4/4\nChords  C Am F G\n" in shown
    assert "Chords" not in details(done("Night Bus"), 90, PLAIN).plain


@pytest.mark.parametrize("width", [30, 48, 76])
def test_the_names_of_opposites_are_shown_in_full(width: int) -> None:
    job = done("Night Bus", stems=("vocals", "instrumental", "no_drums"))
    lines = details(job, width, PLAIN).plain.splitlines()
    assert all(cell_len(line) <= width for line in lines)
    assert any(line.startswith("instrumental Night") for line in lines)
    assert any(line.startswith("no_drums     Night") for line in lines)


def test_a_failure_shows_its_advice_once() -> None:
    bare = details(failed("Song", "out_of_memory", "Too long."), 200, PLAIN).plain
    full = details(failed("Song", "out_of_memory", f"Too long. {ADVICE['out_of_memory']}"), 200, PLAIN).plain
    assert bare.count(ADVICE["out_of_memory"]) == full.count(ADVICE["out_of_memory"]) == 1


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [(0.0, None, ""), (5.0, None, "from 0:05"), (0.0, 35.0, "from 0:00 to 0:35")],
)
def test_a_region_in_words(start: float, end: float | None, words: str) -> None:
    assert region_words(request_for("/a.wav", start_seconds=start, end_seconds=end)) == words


def test_a_log_line_shows_local_time_subject_and_level() -> None:
    line = LogLine(1_700_000_000.0, "error", "It went wrong, and it takes some words to say how.", "Song")
    assert len(log.log_rows(line, 40)) > 1
    first, second = (log.log_row(line, index, 40, STYLES, timezone(timedelta(hours=1))) for index in (0, 1))
    assert first.plain.startswith(" 23:13:20 Song: It went wrong")
    assert second.plain.startswith(" " * 10)
    assert [str(span.style) for span in first.spans] == ["t", "b"]


def test_a_narrow_header_keeps_the_address() -> None:
    state = ViewState(worker="busy", engine="htdemucs_ft", device="cuda")
    for width in (60, 80, 120):
        text = header_line(state, ADDRESS, width, PLAIN).plain
        assert cell_len(text) == width
        assert ADDRESS in text
        assert "at work" in text
    assert "Source Audio Bridge" in header_line(state, ADDRESS, 80, PLAIN).plain


@pytest.mark.parametrize("is_attached", [False, True])
def test_a_narrow_header_shows_the_whole_address_by_itself_or_none(is_attached: bool) -> None:
    events: list[Event] = [submitted(f"Song {number}") for number in range(5)]
    state = view_after(ViewState(worker="busy", engine="good", is_attached=is_attached), events, 0.0)
    for width in range(20, 121):
        words = header_line(state, ADDRESS, width, PLAIN).plain.split()
        assert ADDRESS in words or not any("osc" in word for word in words)


def test_the_header_says_when_jobs_are_computed_on_a_farm() -> None:
    here = ViewState(worker="ready", engine="good", device="cuda")
    there = view_after(here, [ComputingMoved(computing="farm")], 0.0)
    assert "good · cuda · on the farm · " in header_line(there, ADDRESS, 120, PLAIN).plain
    back = view_after(there, [ComputingMoved(computing="here")], 0.0)
    assert header_line(back, ADDRESS, 120, PLAIN) == header_line(here, ADDRESS, 120, PLAIN)


def test_playing_ports_are_marked() -> None:
    lines = ports_panel(PORTS, frozenset({"bass"}), 30, PLAIN).plain.splitlines()
    assert lines[0] == "JACK"
    assert [line[0] for line in lines[1:]] == ["·", "·", "♪", "·"]


def test_without_ports_the_panel_shows_the_reason() -> None:
    assert NO_MIDI.message in ports_panel(NO_MIDI, frozenset(), 30, PLAIN).plain
    assert "No MIDI ports" in ports_panel(MidiStatus(), frozenset(), 30, PLAIN).plain


def test_the_empty_screen_shows_the_first_steps() -> None:
    text = welcome(ADDRESS, PLAIN).plain
    assert "Press a to add a song" in text
    assert "/sab/submit" in text
    assert ADDRESS in text


def test_a_slower_job_says_that_it_is_slower() -> None:
    job = replace(running("Song", "separating", 0.5, 75.0), is_slower=True)
    assert "separating, 1:15 left, slower than expected" in details(job, 70, PLAIN).plain
    assert "1:15" in job_row(job, 80, STYLES).plain
    assert "slower" not in details(replace(job, eta_seconds=None), 70, PLAIN).plain
