"""The lines of an opened job, for any width."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_fields
from rich.console import Console
from rich.text import Text
from textual.strip import Strip

from bridge.model import Music
from bridge.protocols.hearing import HearingStatus
from bridge.protocols.reading import PEAK_SPANS, NotesView
from bridge.stems import KIT
from tests.support.music import MUSIC, music_view
from tests.support.scenes import PORTS, STEMS, done
from tui.render.music import music_facts
from tui.render.roles import PLAIN
from tui.render.waveform import envelope
from tui.screens.job import state as states
from tui.screens.job.render import (
    mixer_cell,
    mixer_lines,
    mixer_window,
    slider_at,
    slider_lines,
    stem_hint,
    strips,
    title_lines,
)
from tui.screens.job.sliders import SLIDERS
from tui.screens.job.state import JobState, Remark
from tui.widgets.drawn import changed_cells

JOB = with_fields(done("Night Bus"), music=MUSIC)
OPEN = states.with_view(states.fresh(JOB, PORTS), music_view(JOB.id, STEMS, 20.0))


def mixer(state: JobState, width: int, height: int, *, is_narrow: bool = False) -> list[Text]:
    window = mixer_window(state, height, is_narrow=is_narrow)
    return mixer_lines(state, strips(state), width, window, PLAIN, is_dark=True)


@given(st.integers(58, 220), st.text(max_size=80), st.integers(1, 12))
def test_every_line_fits_whatever_the_job_is_called(width: int, name: str, height: int) -> None:
    state = replace(OPEN, job=with_fields(JOB, name=name), told=Remark(name, "error"), slider=3)
    lines = [
        *title_lines(state, width, PLAIN),
        *slider_lines(state, width, PLAIN),
        *mixer(state, max(28, width // 3), height),
    ]
    assert all(line.cell_len <= width for line in lines)


@pytest.mark.parametrize(
    ("peak", "loudest", "words"),
    [(0, 255, "silent"), (255, 255, ""), (20, 255, ""), (15, 255, "bleed?"), (3, 3, "quiet"), (60, 60, "")],
)
def test_what_is_said_of_a_stem_that_is_hardly_to_be_heard(peak: int, loudest: int, words: str) -> None:
    assert stem_hint(peak, loudest) == words


@pytest.mark.parametrize(
    ("source", "words"),
    [("default", "120 BPM assumed (t taps it)"), ("given", "120 BPM given"), ("estimated", "about 120.0 BPM")],
)
def test_the_title_says_where_the_tempo_is_from(source: str, words: str) -> None:
    music: Music = with_fields(MUSIC, tempo_source=source)
    assert music_facts(music)[0] == words


@pytest.mark.parametrize("width", [58, 80, 120, 200])
def test_a_click_meets_the_slider_that_is_drawn_there(width: int) -> None:
    lines = slider_lines(OPEN, width, PLAIN)
    met = []
    for row, line in enumerate(lines):
        for column, character in enumerate(line.plain):
            found = slider_at(column, row, width)
            assert (found is not None and found[1] is not None) == (character in "▮▯")
            if found is not None and found[1] == 0.0:
                met.append(found[0])
    assert met == list(range(len(SLIDERS)))


def test_a_click_meets_the_switch_and_the_waveform() -> None:
    width = 46
    (line, *_) = mixer(OPEN, width, 4)
    first = line.plain.index("smn")
    assert [mixer_cell(first + place, width, 0) for place in range(3)] == ["solo", "mute", "notes"]
    assert mixer_cell(12, width, 0) == 0.0
    assert mixer_cell(first, width, 1) is None
    assert mixer_cell(width - 1, width, 0) is None


@given(st.binary(max_size=PEAK_SPANS), st.integers(-1, 700))
def test_a_waveform_has_its_cells(peaks: bytes, cells: int) -> None:
    known, rest = envelope(peaks, cells)
    assert len(known) + len(rest) == max(0, cells)
    if len(peaks) == PEAK_SPANS:
        assert rest == ""


def test_a_waveform_shows_verse_and_chorus_though_both_have_peaks_close_to_full_scale() -> None:
    verse, chorus, silence = bytes([250, 60, 60, 60] * 40), bytes([255, 230, 220, 240] * 40), bytes(PEAK_SPANS - 320)
    assert envelope(verse + chorus + silence, 16)[0] == "▄▄▄▄▄▇▇▇▇▇      "


@pytest.mark.parametrize(
    ("old", "new", "cells"),
    [
        ("abc", "abc", (0, 0)),
        ("abcd", "axcd", (1, 2)),
        ("abcd", "axxd", (1, 3)),
        ("abcd", "abc", (0, 4)),
        ("夜x", "夜y", (0, 3)),
    ],
)
def test_only_cells_that_differ_are_drawn(old: str, new: str, cells: tuple[int, int]) -> None:
    console = Console()
    before, after = (Strip(list(Text(text, end="").render(console))) for text in (old, new))
    assert changed_cells(before, after) == cells


def test_a_span_that_is_read_anew_leaves_the_rest() -> None:
    notes = OPEN.parts["bass"]
    edited = states.with_request(OPEN, with_fields(JOB.request, engine=JOB.request.engine))
    assert edited is OPEN  # the same request is no change
    shown = states.with_notes(
        replace(OPEN, is_reading=True),
        NotesView(parts={"bass": ()}, music=MUSIC),
        4.0,
        8.0,
    )
    left = shown.parts["bass"]
    assert shown.is_reading
    assert [note for note in notes if note.offset_seconds <= 4 or note.onset_seconds >= 8] == list(left)
    assert shown.parts["drums"] == OPEN.parts["drums"]


def test_what_the_output_has_told_goes_when_it_plays_again() -> None:
    ended = states.after_hearing(OPEN, HearingStatus(message="The output has ended."))
    assert ended.told == Remark("The output has ended.", "warning")
    assert states.after_hearing(ended, HearingStatus(is_playing=True, device="silent")).told == Remark()
    other = replace(ended, told=Remark("Something else.", "error"))
    assert states.after_hearing(other, HearingStatus(is_playing=True)).told == other.told


def test_what_would_double_other_stems_comes_in_muted_and_stays_as_it_is_set() -> None:
    view = music_view(JOB.id, STEMS, 20.0)
    grown = music_view(JOB.id, (*STEMS, "instrumental", "kick", "hats"), 20.0)
    state = states.with_view(states.with_view(states.fresh(JOB, PORTS), view), grown)
    assert state.muted == {"instrumental", "kick", "hats"}
    assert state.audible == STEMS
    heard = states.with_view(replace(state, muted=state.muted - {"kick"}), grown)
    assert heard.muted == {"instrumental", "hats"}


def test_a_stem_without_its_opposite_s_others_is_heard_with_it() -> None:
    state = states.with_view(states.fresh(JOB, PORTS), music_view(JOB.id, ("vocals", "instrumental"), 20.0))
    assert state.audible == ("vocals", "instrumental")


def test_a_chosen_part_of_the_drums_lets_their_notes_stand_out_and_an_opposite_none() -> None:
    names = ("vocals", "drums", "kick", "instrumental")
    state = states.with_view(states.fresh(JOB, PORTS), music_view(JOB.id, names, 20.0))
    assert state.highlighted == ""
    found = {}
    for name in names:
        state = replace(state, chosen=name, is_highlighted=True)
        found[name] = state.highlighted
    assert found == {"vocals": "vocals", "drums": "drums", "kick": "drums", "instrumental": ""}
    alone = states.with_view(states.fresh(JOB, PORTS), music_view(JOB.id, ("vocals", "kick"), 20.0))
    assert replace(alone, chosen="kick", is_highlighted=True).highlighted == ""


def test_what_has_no_notes_says_so_where_they_are_asked_for() -> None:
    state = states.with_view(states.fresh(JOB, PORTS), music_view(JOB.id, ("drums", "kick"), 20.0))
    asked = states.heard_as_notes(replace(state, chosen="kick"))
    assert asked.as_notes == frozenset()
    assert asked.told == Remark("No notes are read from Drums Kick: it is always heard as audio.", "warning")
    assert states.heard_as_notes(replace(state, chosen="drums")).as_notes == {"drums"}


def test_a_part_of_the_drums_has_neither_port_nor_notes() -> None:
    view = music_view(JOB.id, ("drums", "hats"), 20.0)
    view = with_fields(view, stems=(view.stems[0], with_fields(view.stems[1], peaks=bytes([3] * 512), notes=())))
    state = replace(states.with_view(states.fresh(JOB, PORTS), view), as_notes=frozenset({"drums", "hats"}))
    drums, _, hats, below = mixer(state, 60, 4)
    assert "Drums " in drums.plain and "smN" in drums.plain
    assert "sMn" in hats.plain
    assert hats.plain.split()[:2] == ["○", "Hats"]
    assert not hats.plain.split()[-1].isdigit()
    assert below.plain.split() == ["audio", "only"]  # not "bleed?" either: a drum may be soft


@given(st.integers(0, 12), st.integers(0, 10), st.booleans())
def test_the_mixer_shows_the_chosen_stem_however_few_lines_it_has(height: int, steps: int, is_narrow: bool) -> None:
    every = (*STEMS, "instrumental", *KIT)
    state = states.choose(states.with_view(states.fresh(JOB, PORTS), music_view(JOB.id, every, 20.0)), steps)
    window = mixer_window(state, height, is_narrow=is_narrow)
    shown = mixer(state, 60, height, is_narrow=is_narrow)
    assert len(shown) == window.count * window.rows_each == max(1, min(height, len(every)))
    row = next(number for number, line in enumerate(shown) if line.plain.startswith("▸"))
    assert state.names[window.stem_at(row)] == state.chosen
    assert (window.first > 0) == (shown[0].plain[0] == "↑") or row == 0
    assert (window.first + window.count < len(every)) == (shown[-1].plain[0] == "↓") or row == len(shown) - 1
