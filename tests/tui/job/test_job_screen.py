"""An opened job in use: keys and clicks in, questions to the bridge and to the output out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bridge.errors import Cancelled, EngineFailed, NotFound
from bridge.events import Ended, MidiEnded, MidiMoved, MidiReady, MidiStarted, MidiWaiting, Progressed
from bridge.model import MidiStatus
from bridge.request import JobRequest
from bridge.stems import KIT
from tests.support.music import MUSIC, music_view
from tests.support.open_jobs import OpenJob, drawn, lines, open_it, program, state, use
from tests.support.scenes import STEMS, cancelled, done, failed, press, produced, running, top_screen
from tui.screens.job.screen import LEAST_ROLL_ROWS, JobScreen
from tui.screens.job.widgets import Mixer, RollPane, Sliders, Title
from tui.screens.main import MainScreen

JOB = "night-bus"


def submitted(opened: OpenJob) -> JobRequest:
    ((_, request),) = [call for call in opened.bridge.asked if call[0] == "submit"]
    assert isinstance(request, JobRequest)
    return request


async def test_enter_opens_the_job_and_escape_goes_back() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot)
        assert state(opened).view == opened.view
        assert lines(opened, Title)[0].startswith(" Night Bus · 1:36 · about 120.0 BPM · 4/4 · F minor")
        await press(pilot, "escape")
        assert top_screen(opened.app) is MainScreen


async def test_two_clicks_on_a_row_and_the_palette_open_it_too() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await press(pilot)
        await pilot.click("JobsTable", offset=(8, 2), times=2)
        await drawn(pilot)
        assert top_screen(opened.app) is JobScreen
        await press(pilot, "escape")
        await opened.app.run_action("open")
        await drawn(pilot)
        assert top_screen(opened.app) is JobScreen


async def test_arrows_choose_a_stem_that_stands_out_and_v_shows_all_alike() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "down", "j", "up")
        assert (state(opened).chosen, state(opened).is_highlighted) == ("drums", True)
        await press(pilot, "v")
        assert not state(opened).is_highlighted


async def test_space_hears_pauses_and_goes_on() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "space")
        names = tuple(name for stem in STEMS for name in (stem, f"{stem} notes"))
        notes = tuple(f"{stem} notes" for stem in STEMS)
        assert opened.hearing.asked[:2] == [("silent", notes), ("play", names, 0.0)]
        opened.hearing.advance(3.0)
        await drawn(pilot)
        assert "▶ 2.3.1" in lines(opened, Title)[0]
        await press(pilot, "space", "space")
        assert opened.hearing.asked[-2:] == [("pause",), ("resume",)]
        await press(pilot, "s")
        assert opened.hearing.asked[-1] == ("stop",)
        assert ("stop", JOB) in opened.bridge.asked
        await use(pilot, "space")
        assert opened.hearing.asked[-2:] == [("play", names, 3.0), ("silent", notes)]


@pytest.mark.parametrize(
    ("keys", "heard"),
    [
        (("S",), {"vocals"}),
        (("S", "S"), set(STEMS)),
        (("M",), {"drums", "bass", "other"}),
        (("S", "down", "S"), {"vocals", "drums"}),
        (("M", "S"), {"vocals"}),
        (("n",), {"vocals notes", "drums", "bass", "other"}),
        (("N",), {f"{stem} notes" for stem in STEMS}),
        (("N", "N"), set(STEMS)),
        (("down", "m", "N"), {"vocals notes", "bass notes", "other notes"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_the_mix_is_heard_at_once(keys: tuple[str, ...], heard: set[str]) -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "space", *keys)
        silent = next(call[1] for call in reversed(opened.hearing.asked) if call[0] == "silent")
        assert isinstance(silent, tuple)
        assert {track.name for track in opened.hearing.tracks} - set(silent) == heard
        assert len([call for call in opened.hearing.asked if call[0] == "play"]) == 1


async def test_without_an_output_the_reason_stands_in_place() -> None:
    opened = program()
    opened.hearing.refuse = EngineFailed("There is no output.", advice="Connect one.")
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "space")
        assert lines(opened, Title)[1].strip().startswith("There is no output. Connect one.")
        assert not opened.app._notifications
        assert not state(opened).is_heard


async def test_leaving_ends_what_is_heard() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "space", "escape")
        assert opened.hearing.asked[-1] == ("stop",)
        assert not opened.hearing.listeners


async def test_a_slider_reads_what_is_seen_and_then_all() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "tab", "right")
        asked = [call for call in opened.asked if call[0] == "notes"]
        assert [call[3:5] for call in asked] == [(0.0, 16.0), (0.0, float("inf"))]
        request = state(opened).request
        assert request.reading.shortest_seconds == 0.05
        assert "1 change, not written" in lines(opened, Title)[1]
        await use(pilot, "right", "right")
        counts = [line.split()[-1] for line in lines(opened, Mixer) if "smn" in line]
        assert counts[0] == "336"  # without those of 60 ms


async def test_a_span_is_read_of_the_stem_that_is_looked_at() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "down", "tab", "right", "v", "right")
        asked = [call[3:] for call in opened.asked if call[0] == "notes"]
        whole = (0.0, float("inf"), ())
        assert asked == [(0.0, 16.0, ("drums",)), whole, (0.0, 16.0, ()), whole]


async def test_a_question_whose_place_a_newer_one_took_says_nothing() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "tab")
        opened.bridge.reader.refuse = Cancelled()
        await use(pilot, "right")
        assert "not written" in lines(opened, Title)[1]


async def test_the_notes_that_are_heard_follow_the_sliders() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "N", "space", "tab", "right", "right", "right")
        last = {call[1]: call[2] for call in opened.hearing.asked if call[0] == "notes"}
        assert last == {f"{stem} notes": notes for stem, notes in state(opened).parts.items()}
        await use(pilot, "Z")
        last = {call[1]: call[2] for call in opened.hearing.asked if call[0] == "notes"}
        assert last["vocals notes"] == opened.view.stems[0].notes


async def test_z_takes_back_one_by_one_and_shift_z_all() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "tab", "right", "right", "right", "z")
        assert state(opened).request.reading.shortest_seconds == 0.06
        await use(pilot, "Z")
        assert state(opened).request == state(opened).job.request
        assert not state(opened).before
        assert state(opened).parts["vocals"] == opened.view.stems[0].notes


async def test_w_writes_the_notes_anew_and_shows_that_job() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "w")
        assert not any(call[0] == "submit" for call in opened.bridge.asked)
        await use(pilot, "tab", "right", "w")
        request = submitted(opened)
        assert request.reading.shortest_seconds == 0.05
        assert (request.stems.audio, request.stems.midi) == ((), STEMS)
        assert state(opened).job.id == "job2"
        await press(pilot, "escape")
        assert top_screen(opened.app) is MainScreen


async def test_a_refused_setting_is_taken_back_and_told() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot)
        opened.bridge.reader.refuse = NotFound("The analyses are gone.", advice="Run it again.")
        await use(pilot, "tab", "right")
        assert state(opened).request == state(opened).job.request
        assert lines(opened, Title)[1].strip().startswith("The analyses are gone. Run it again.")


async def test_notes_that_cannot_be_read_anew_say_why() -> None:
    view = replace(music_view(JOB, STEMS), unreadable="Written by an older version.")
    opened = program(view=view)
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "tab", "right")
        assert lines(opened, Title)[1].strip().startswith("Written by an older version.")
        assert not state(opened).is_edited


async def test_without_a_slider_arrows_go_by_beats() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "right", "right", "right", "left")
        assert state(opened).place_seconds == pytest.approx(1.0)
        await use(pilot, "space", "right")
        assert opened.hearing.asked[-1] == ("seek", pytest.approx(1.5))


@pytest.mark.parametrize(
    ("keys", "start", "span"),
    [
        (("plus",), 0.0, 8.0),
        (("minus",), 0.0, 32.0),
        (("minus",) * 9, 0.0, 96.0),
        (("plus",) * 9, 0.0, 1.0),
        (("full_stop",), 4.0, 16.0),
        (("pagedown", "comma"), 12.0, 16.0),
        (("pagedown", "shift+right", "shift+left"), 16.0, 16.0),
        (("end",), 80.0, 16.0),
        (("end", "home"), 0.0, 16.0),
        (("pageup",), 0.0, 16.0),
    ],
    ids=str,
)
async def test_zoom_and_scroll(keys: tuple[str, ...], start: float, span: float) -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, *keys)
        assert (state(opened).start_seconds, state(opened).span_seconds) == (start, span)


async def test_the_pages_turn_with_what_is_heard_until_the_user_scrolls() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "space")
        opened.hearing.advance(15.0)
        assert state(opened).start_seconds == pytest.approx(15.0 - 0.08 * 16)
        await press(pilot, "comma")
        start = state(opened).start_seconds
        opened.hearing.advance(30.0)
        assert state(opened).start_seconds == start


async def test_p_plays_what_solo_lets_through_and_f_follows() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "p", "S", "p", "f", "down", "enter")
        asked = [call for call in opened.bridge.asked if call[0] == "play"]
        assert asked == [("play", JOB, None), ("play", JOB, ("vocals",)), ("play", JOB, ("vocals",), "clock")]


async def test_p_says_where_solo_and_mute_let_no_notes_through() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot)
        for _ in state(opened).names:
            await press(pilot, "M", "down")
        await press(pilot, "p")
        assert [call for call in opened.bridge.asked if call[0] == "play"] == []
        assert "no notes" in state(opened).told.words


async def test_the_play_head_follows_the_ports() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot)
        opened.bridge.publish(MidiWaiting(job=JOB, stem="bass", sync="jack"))
        await drawn(pilot)
        assert "armed" in lines(opened, Title)[0]
        opened.bridge.publish(MidiStarted(job=JOB, stem="bass", seconds=96.0, notes=3))
        opened.bridge.publish(MidiMoved(job=JOB, stem="bass", seconds=6.1))
        opened.bridge.publish(MidiMoved(job="other", stem="bass", seconds=50.0))
        await drawn(pilot)
        assert "▶ 4.1.1" in lines(opened, Title)[0]
        opened.bridge.publish(MidiEnded(job=JOB, stem="bass", outcome="stopped"))
        opened.bridge.publish(MidiReady(status=MidiStatus()))
        await drawn(pilot)
        assert "▶" not in lines(opened, Title)[0]
        assert not state(opened).midi.ports


async def test_a_running_job_grows_and_says_how_far_it_is() -> None:
    opened = program(running("Night Bus", "separating", 0.43, 75.0), replace(music_view(JOB, ()), known_seconds=0.0))
    async with opened.app.run_test() as pilot:
        await open_it(pilot)
        assert lines(opened, Title)[1].startswith(" separating 43 %, 1:15 left ")
        assert "No stems yet." in lines(opened, Mixer)[0]
        opened.bridge.reader.views[JOB] = music_view(JOB, ("bass",))
        reads = len(opened.asked)
        opened.bridge.publish(Progressed(job=JOB, stage="transcribing", fraction=0.6))
        await drawn(pilot)
        assert len(opened.asked) == reads  # progress alone waits
        for event in produced(JOB, "Night Bus", "bass"):
            opened.bridge.publish(event)
        await drawn(pilot)
        assert state(opened).names == ("bass",)
        await use(pilot, "tab", "right")
        assert "when the job is done" in lines(opened, Title)[1]
        opened.bridge.publish(Ended(job=JOB, outcome="done", unix_seconds=0.0))
        await drawn(pilot)
        assert state(opened).job.state == "done"


async def test_c_cancels_a_running_job() -> None:
    opened = program(running("Night Bus", "separating", 0.4, None))
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "c")
        assert ("cancel", JOB) in opened.bridge.asked


@pytest.mark.parametrize(
    ("job", "words"),
    [(failed("Night Bus", "out_of_memory", "There was not enough memory."), "r tries again."),
     (cancelled("Night Bus"), "r runs it again.")],
    ids=["failed", "cancelled"],
)  # fmt: skip
async def test_a_job_that_did_not_end_well_says_why_and_runs_again(job: object, words: str) -> None:
    opened = program(job)  # type: ignore[arg-type]
    async with opened.app.run_test(size=(120, 40)) as pilot:
        await open_it(pilot)
        assert words in " ".join(lines(opened, Title)[1:])
        await use(pilot, "r")
        assert submitted(opened) == opened.bridge.table[JOB].request
        assert state(opened).job.id == "job2"


async def test_the_mouse_seeks_scrolls_mixes_and_slides() -> None:
    opened = program()
    async with opened.app.run_test(size=(120, 40)) as pilot:
        await open_it(pilot)
        roll = opened.screen.query_one(RollPane)
        await pilot.click(RollPane, offset=(6 + (roll.size.width - 6) // 2, 5))
        assert state(opened).place_seconds == pytest.approx(8.0, abs=0.3)
        await pilot.click(RollPane, offset=(2, 5))
        assert state(opened).place_seconds == pytest.approx(8.0, abs=0.3)
        mixer = opened.screen.query_one(Mixer).size.width
        await pilot.click(Mixer, offset=(mixer - 10, 4))
        await pilot.click(Mixer, offset=(mixer - 9, 0))
        await pilot.click(Mixer, offset=(mixer - 8, 2))
        on = (state(opened).solo, state(opened).muted, state(opened).as_notes)
        assert on == (frozenset({"bass"}), frozenset({"vocals"}), frozenset({"drums"}))
        await pilot.click(Mixer, offset=(12, 0))
        assert state(opened).place_seconds == 0.0
        await pilot.click(Sliders, offset=(14, 0))
        await drawn(pilot)
        assert state(opened).slider == 0
        assert state(opened).is_edited


async def test_a_job_of_an_hour_keeps_its_screen() -> None:
    opened = program(replace(done("Night Bus"), music=MUSIC), seconds=3600.0)
    async with opened.app.run_test(size=(60, 20)) as pilot:
        await open_it(pilot, "end", "minus", "minus", "tab", "right")
        assert state(opened).end_seconds == 3600.0


async def test_more_stems_than_lines_scroll_in_a_small_terminal_and_all_show_in_a_larger_one() -> None:
    every = (*STEMS, "instrumental", *KIT)
    opened = program(view=music_view(JOB, every, 20.0))
    async with opened.app.run_test(size=(60, 16)) as pilot:
        await open_it(pilot, *["down"] * 5)
        assert [line[:7] for line in lines(opened, Mixer)] == ["↑ ● Oth", "  ○ Ins", "▸ ○ Kic", "  ○ Sna", "↓ ○ Tom"]
        assert opened.screen.query_one(RollPane).size.height == LEAST_ROLL_ROWS
        await pilot.click(Mixer, offset=(4, 3))
        assert state(opened).chosen == "snare"
        await pilot.resize_terminal(80, 40)
        await drawn(pilot)
        assert len(lines(opened, Mixer)) == 2 * len(every)
        assert opened.screen.query_one(Mixer).size.height == opened.screen.query_one(RollPane).size.height
