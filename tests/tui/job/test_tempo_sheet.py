"""The tempo of an opened job: tapped, halved, doubled, or one that was weighed."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList

from tests.support.open_jobs import drawn, lines, open_it, program, state, use
from tests.support.scenes import press
from tui.screens.job.tempo import TempoSheet
from tui.screens.job.widgets import Title


async def test_t_taps_a_tempo() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "t")
        assert isinstance(opened.app.screen, TempoSheet)
        clock = opened.app._clock
        for _ in range(4):
            await press(pilot, "space")
            clock.advance(0.6)  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await drawn(pilot)
        assert state(opened).request.song.tempo == 100.0
        assert "100 BPM given" in lines(opened, Title)[0]


@pytest.mark.parametrize(("place", "tempo"), [(0, 60.0), (1, 240.0), (2, 90.0), (3, "map")])
async def test_t_halves_doubles_and_offers_candidates(place: int, tempo: float | str) -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "t")
        options = opened.app.screen.query_one(OptionList)
        assert [str(options.get_option_at_index(n).prompt)[:2] for n in range(3)] == ["÷2", "×2", "  "]
        await use(pilot, *["down"] * place, "enter")
        assert state(opened).request.song.tempo == tempo
        await use(pilot, "z", "t", "escape")
        assert not state(opened).is_edited
