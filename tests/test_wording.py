"""Every stage, state, back-end, stem and outcome has its word, and its colour, in every face."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

import pytest

from bridge.config import MIDI_BACKENDS
from bridge.model import STAGES, Job, Kind, PlayOutcome, Stage, State
from bridge.options.table import OPTIONS, SYNC
from bridge.request import JobRequest
from bridge.score.colours import DAY, NIGHT, style
from bridge.stems import (
    AUDIO_STEMS,
    DRUM_CHANNEL,
    MIX,
    OPPOSITE_TABLE,
    STEM_TABLE,
    STEMS,
    Opposite,
    Stem,
    label_of,
    opposite_of,
    single_stem_of,
    single_stems,
    stem_of,
)
from bridge.wording import (
    BACKEND_WORDS,
    KIND_WORDS,
    PLAY_OUTCOME_WORDS,
    STAGE_WORDS,
    STATE_WORDS,
    SYNC_WORDS,
    WORKER_WORDS,
    sentence,
)
from max_for_live.generator.tables import script
from tui.render.job import MARKS, Columns, stage_words, state_style
from tui.render.roles import Palette


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (STAGE_WORDS, STAGES),
        (STAGE_WORDS, get_args(Stage)),
        (STATE_WORDS, get_args(State)),
        (KIND_WORDS, get_args(Kind)),
        (PLAY_OUTCOME_WORDS, get_args(PlayOutcome)),
        (BACKEND_WORDS, ("none", *(name for name in MIDI_BACKENDS if name != "auto"))),
        (WORKER_WORDS, ("starting", "ready", "busy", "down", "closing", "gone")),
        (SYNC_WORDS, SYNC.names),
    ],
)
def test_every_name_has_its_word_and_no_word_is_left_over(words: Mapping[str, str], names: tuple[str, ...]) -> None:
    assert set(words) == set(names)
    assert all(words.values())
    assert len(set(words.values())) == len(words)


def test_the_words_of_stages_fit_the_screens_column() -> None:
    assert max(map(len, STAGE_WORDS.values())) <= Columns(name=0).stage


PALETTE = Palette(muted="muted", accent="accent", good="good", bad="bad")


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_its_mark_and_colour_on_the_screen(state: State) -> None:
    assert MARKS[state]
    job = Job(
        id="a", name="song", request=JobRequest(source="/a.wav"), submitted_unix=0.0, state=state, stage="separating"
    )
    assert stage_words(job) == (STAGE_WORDS["separating"] if state == "running" else STATE_WORDS[state])
    assert state_style(job.state, PALETTE)


def test_a_sentence_starts_with_a_capital_and_changes_nothing_else() -> None:
    assert sentence("finding notes") == "Finding notes"
    assert sentence("") == ""


@pytest.mark.parametrize("row", STEM_TABLE.values(), ids=lambda row: row.name)
def test_every_stem_has_its_label_and_colours_everywhere(row: Stem) -> None:
    assert stem_of(row.name) is row
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in (row.colour, row.night_colour))
    sheet = style()
    assert f".{row.name} {{ fill: {row.colour}; }}" in sheet
    assert f".{row.name} {{ fill: {row.night_colour}; }}" in sheet
    assert row.name in DAY.curves and row.name in NIGHT.curves
    device = script()
    assert f'"{row.name}": "{row.label}"' in device
    assert f'"{row.name}": {int(row.colour[1:], 16)}' in device


@pytest.mark.parametrize("row", OPPOSITE_TABLE.values(), ids=lambda row: row.name)
def test_every_stem_has_an_opposite_with_a_label_and_a_colour(row: Opposite) -> None:
    assert opposite_of(row.without) == row.name
    assert single_stem_of(row.name) == row.without
    assert label_of(row.name) == row.label
    device = script()
    assert f'"{row.name}": "{row.label}"' in device
    assert f'"{row.name}": {int(row.colour[1:], 16)}' in device


def test_opposites_are_in_the_order_of_their_stems_and_have_no_notes() -> None:
    assert tuple(row.without for row in OPPOSITE_TABLE.values()) == STEMS
    assert (*STEMS, *OPPOSITE_TABLE) == AUDIO_STEMS
    assert single_stems(AUDIO_STEMS) == STEMS
    assert OPTIONS["stems"].read(",".join(AUDIO_STEMS)) == AUDIO_STEMS


def test_every_stage_has_its_word_on_the_device() -> None:
    for stage, words in STAGE_WORDS.items():
        assert f'"{stage}": "{sentence(words)}"' in script()


def test_stems_share_no_channel_and_drums_have_general_midis() -> None:
    channels = [stem.channel for stem in STEM_TABLE.values()]
    assert len(set(channels)) == len(channels)
    assert STEM_TABLE["drums"].channel == DRUM_CHANNEL
    assert [stem.name for stem in STEM_TABLE.values() if not stem.is_pitched] == ["drums"]


def test_a_mix_and_a_name_from_outside_are_treated_as_stems() -> None:
    assert stem_of("mix") is MIX
    assert (stem_of("kazoo").label, stem_of("kazoo").is_pitched) == ("Kazoo", True)
    assert "mix" not in STEMS
