"""When takes of running jobs begin, what the player gets of them, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import EngineFailed
from bridge.events import Event, HorizonMoved, LiveNotes, MidiDelayed, Noticed
from bridge.midi.client import MidiPlayer
from bridge.midi.live_takes import CAUTION, LiveTakes
from tests.support.fakes import FakeClock
from tests.support.requests import request_for

Pairs = Iterable[tuple[float, bytes]]
Told = tuple[object, ...]
CLIP_SECONDS = 60.0
ON, OFF = b"\x90\x3c\x5a", b"\x80\x3c\x40"


class RecordingPlayer:
    """Records what it is told; `play_live` returns when `ready` is set."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.ready = asyncio.Event()
        self.refuses = False

    async def play_live(
        self,
        job: str,
        stems: Mapping[str, Pairs],
        until_seconds: float,
        offsets_seconds: Callable[[], Mapping[str, float]],
        *,
        sync: str,
        beat: float | None,
        tempo_bpm: float,
    ) -> None:
        known = {stem: [*messages] for stem, messages in stems.items()}
        self.told.append(("play", job, known, until_seconds, dict(offsets_seconds()), sync, beat, tempo_bpm))
        await self.ready.wait()
        if self.refuses:
            raise EngineFailed("No ports here.", advice="")

    async def extend(self, job: str, stems: Mapping[str, Pairs], until_seconds: float, *, is_last: bool) -> None:
        self.told.append(("extend", job, {stem: [*part] for stem, part in stems.items()}, until_seconds, is_last))

    def break_off(self, job: str, reason: str) -> None:
        self.told.append(("break off", job, reason))


class Bench:
    """Live takes with a recording player that is ready, and a clock that only the test moves."""

    def __init__(self) -> None:
        self.player, self.clock = RecordingPlayer(), FakeClock()
        self.player.ready.set()
        self.published: list[Event] = []
        player = cast("MidiPlayer", self.player)
        self.takes = LiveTakes(player, self.published.append, self.clock, lambda: {"bass": -0.005})

    async def notes(
        self, until: float, *messages: tuple[float, bytes], job: str = "job", sync: str = "jack", failure: str = ""
    ) -> None:
        """The job has come so far; the clip's end is its last word."""
        notes = LiveNotes(
            job=job, parts={"bass": messages, "other": ()}, until_seconds=until, heard_seconds=until,
            clip_seconds=CLIP_SECONDS, tempo_bpm=98.0, is_last=until >= CLIP_SECONDS, failure=failure,
        )  # fmt: skip
        self.takes.on_notes(notes, request_for("clip.wav", play="live", sync=sync, beat=16.0))
        await settled()

    @property
    def names(self) -> list[object]:
        return [told[0] for told in self.player.told]

    @property
    def notices(self) -> list[str]:
        return [event.message for event in self.published if isinstance(event, Noticed)]

    @property
    def heard(self) -> list[tuple[float, bytes]]:
        """The bass, as far as the player has it."""
        parts = [
            cast("Mapping[str, list[tuple[float, bytes]]]", told[2]) for told in self.player.told if told[0] != "b"
        ]
        return [message for part in parts for message in part.get("bass", ())]


async def settled() -> None:
    """Everything that can happen without more events has happened."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("sync", ["jack", "clock", "link"])
async def test_with_a_daw_it_is_armed_before_anything_is_known(sync: str) -> None:
    bench = Bench()
    await bench.notes(0.0, sync=sync)
    first: Told = ("play", "job", {"bass": [], "other": []}, 0.0, {"bass": -0.005}, sync, 16.0, 98.0)
    assert bench.player.told[0] == first
    await bench.notes(4.0, (1.0, ON), sync=sync)
    await bench.notes(CLIP_SECONDS, (5.0, OFF), sync=sync)
    assert bench.player.told[-2:] == [
        ("extend", "job", {"bass": [(1.0, ON)], "other": []}, 4.0, False),
        ("extend", "job", {"bass": [(5.0, OFF)], "other": []}, CLIP_SECONDS, True),
    ]
    assert [event for event in bench.published if isinstance(event, HorizonMoved)] == [
        HorizonMoved(job="job", seconds=4.0),
        HorizonMoved(job="job", seconds=CLIP_SECONDS),
    ]


@settings(max_examples=60)
@given(
    block=st.sampled_from((2.0, 4.0, 7.5, 12.0, 60.0)),
    pace=st.floats(0.05, 20.0),
    slower=st.lists(st.floats(1.0, CAUTION), min_size=30, max_size=30),
)
def test_at_once_it_begins_when_its_notes_do_not_run_out(block: float, pace: float, slower: list[float]) -> None:
    """`pace`: seconds of the clip that are separated in a second; each block may take up to `CAUTION` times as long."""

    async def separates() -> None:
        bench = Bench()
        await bench.notes(0.0, sync="now")
        known, began_at = 0.0, None
        for factor in slower:
            before, known = known, min(known + block, CLIP_SECONDS)
            bench.clock.advance((known - before) / pace * factor)
            if began_at is not None:
                assert before >= bench.clock.now - began_at  # it did not run out before this block
            await bench.notes(known, sync="now")
            if began_at is None and "play" in bench.names:
                began_at = bench.clock.now
            if known == CLIP_SECONDS:
                break
        assert began_at is not None
        if pace >= 2 * CAUTION**2 and block <= CLIP_SECONDS / 2:
            assert bench.player.told[0][3] == block  # it does not wait longer than it must
        assert bench.names.count("play") == 1

    asyncio.run(separates())


async def test_a_slow_machine_tells_once_when_the_notes_will_start() -> None:
    bench = Bench()
    await bench.notes(0.0, sync="now")
    for seconds in (6.0, 12.0, 18.0):
        bench.clock.advance(12.0)
        await bench.notes(seconds, sync="now")
    assert bench.player.told == []
    (delayed,) = [event for event in bench.published if isinstance(event, MidiDelayed)]
    # Half as fast as it plays, and as a precaution 1.3 times slower: 1.3 × 12 s + (1 − 1/2.6) × 60 s are to be known.
    assert delayed.words == "Separating is slow here: the notes start in about 121 s, so that they never run out."


async def test_a_wait_of_a_moment_is_not_told() -> None:
    bench = Bench()
    await bench.notes(0.0, sync="now")
    bench.clock.advance(3.3)
    await bench.notes(4.0, sync="now")
    assert (bench.player.told, bench.notices) == ([], [])


async def test_everything_is_sent_once_whatever_came_while_the_player_was_busy() -> None:
    bench = Bench()
    bench.player.ready.clear()
    await bench.notes(0.0)
    messages = [(float(second), bytes((0x90, 40 + second, 90))) for second in range(12)]
    for second in range(0, 12, 3):
        await bench.notes(second + 3.0, *messages[second : second + 3])
    assert bench.names == ["play"]
    bench.player.ready.set()
    await settled()
    await bench.notes(CLIP_SECONDS, (50.0, ON))
    assert bench.heard == [*messages, (50.0, ON)]
    assert bench.player.told[-1][3:] == (CLIP_SECONDS, True)
    assert bench.names == ["play", "extend", "extend"]


async def test_what_is_known_before_it_begins_is_sent_with_its_beginning() -> None:
    bench = Bench()
    await bench.notes(0.0, sync="now")
    bench.clock.advance(30.0)
    await bench.notes(10.0, (1.0, ON), sync="now")
    bench.clock.advance(30.0)
    await bench.notes(CLIP_SECONDS, (2.0, OFF), sync="now")
    assert bench.heard == [(1.0, ON), (2.0, OFF)]
    assert (bench.names, bench.player.told[-1][-1]) == (["play", "extend"], True)


async def test_all_notes_may_be_known_before_the_player_is_ready_and_the_job_over() -> None:
    bench = Bench()
    bench.player.ready.clear()
    await bench.notes(CLIP_SECONDS, (1.0, ON), (2.0, OFF))
    assert bench.takes.plays("job")
    bench.takes.end("job", "The job has ended.")
    bench.player.ready.set()
    await settled()
    assert bench.heard == [(1.0, ON), (2.0, OFF)]
    assert bench.player.told[-1][-1] is True
    assert not bench.takes.plays("job")  # nothing is kept of it


async def begun(sync: str = "jack", *, is_ready: bool = True) -> Bench:
    bench = Bench()
    if not is_ready:
        bench.player.ready.clear()
    await bench.notes(0.0, sync=sync)
    await bench.notes(5.0, (1.0, ON), sync=sync)
    bench.player.told.clear()
    return bench


@pytest.mark.parametrize("is_ready", [True, False])
async def test_a_take_that_fails_or_whose_job_does_is_broken_off_once_with_its_reason(is_ready: bool) -> None:
    bench = await begun(is_ready=is_ready)
    await bench.notes(0.0, failure="It cannot be read.")
    bench.player.ready.set()
    await bench.notes(9.0, (6.0, ON))
    bench.takes.end("job", "The job has ended.")
    assert bench.player.told == [("break off", "job", "It cannot be read.")]
    assert bench.notices == []  # the player says it


async def test_a_take_that_fails_before_it_begins_leaves_its_job_to_be_played_when_it_is_done() -> None:
    bench = Bench()
    await bench.notes(0.0, sync="now")
    await bench.notes(0.0, sync="now", failure="It cannot be read.")
    await bench.notes(CLIP_SECONDS, (1.0, ON), sync="now")
    assert (bench.player.told, bench.notices) == ([], ["It cannot be read."])
    assert not bench.takes.plays("job")


async def test_a_job_that_ends_before_its_take_begins_says_nothing_of_it() -> None:
    bench = Bench()
    await bench.notes(0.0, sync="now")
    bench.takes.end("job", "The job has ended.")
    assert (bench.player.told, bench.notices) == ([], [])


async def test_a_take_that_has_begun_is_over_when_its_job_is_taken_up_once_more() -> None:
    bench = await begun()
    bench.takes.requeue("job", "The job begins again.")
    await bench.notes(0.0)
    await bench.notes(5.0, (1.0, ON))
    await bench.notes(CLIP_SECONDS, (6.0, ON))
    assert bench.takes.plays("job")  # not once more when the job is done
    bench.takes.end("job", "The job has ended.")
    assert bench.player.told == [("break off", "job", "The job begins again.")]
    horizons = [event.seconds for event in bench.published if isinstance(event, HorizonMoved)]
    assert horizons == [5.0, 5.0, CLIP_SECONDS]


async def test_a_take_that_has_not_begun_begins_with_the_second_run_of_its_job() -> None:
    bench = Bench()
    await bench.notes(0.0, sync="now")
    bench.clock.advance(30.0)
    await bench.notes(10.0, (1.0, ON), sync="now")
    bench.takes.requeue("job", "The job begins again.")
    await bench.notes(0.0, sync="now")
    bench.clock.advance(0.5)
    await bench.notes(10.0, (1.0, ON), sync="now")
    assert (bench.heard, bench.names[0]) == ([(1.0, ON)], "play")
    assert not any("begins again" in notice for notice in bench.notices)


async def test_a_take_whose_notes_are_all_known_plays_on_whatever_becomes_of_its_job() -> None:
    bench = await begun()
    await bench.notes(CLIP_SECONDS, (6.0, ON))
    bench.takes.requeue("job", "The job begins again.")
    await bench.notes(0.0)
    await bench.notes(CLIP_SECONDS, (1.0, ON), (6.0, ON))
    assert bench.takes.plays("job")
    bench.takes.end("job", "The job has ended.")
    await settled()
    assert bench.names == ["extend"]
    assert not bench.takes.plays("job")


@pytest.mark.parametrize("job", ["job", None])
@pytest.mark.parametrize("sync", ["jack", "now"])
@pytest.mark.parametrize("is_ready", [True, False])
async def test_a_stopped_take_gets_nothing_more(job: str | None, sync: str, is_ready: bool) -> None:
    bench = Bench()
    if not is_ready:
        bench.player.ready.clear()
    await bench.notes(0.0, sync=sync)
    bench.clock.advance(30.0)
    await bench.notes(5.0, (1.0, ON), sync=sync)
    bench.player.told.clear()
    if job is None:
        bench.takes.stop_all()
    else:
        bench.takes.stop(job)
    bench.player.ready.set()
    await bench.notes(CLIP_SECONDS, (6.0, ON), sync=sync)
    assert bench.takes.plays("job")  # the user wants silence, and not only until the job is done
    bench.takes.requeue("job", "The job begins again.")
    await bench.notes(0.0, sync=sync)
    bench.takes.end("job", "The job has ended.")
    await settled()
    assert (bench.player.told, bench.notices) == ([], [])
    assert isinstance(bench.published[-1], HorizonMoved)  # clients still hear how far the job is


async def test_a_job_that_is_stopped_before_its_take_begins_is_not_played() -> None:
    bench = Bench()
    bench.takes.stop("job")
    assert bench.takes.plays("job")
    await bench.notes(0.0)
    await bench.notes(CLIP_SECONDS, (6.0, ON))
    bench.takes.requeue("job", "The job begins again.")
    await bench.notes(5.0, (1.0, ON))
    assert bench.takes.plays("job")
    bench.takes.end("job", "The job has ended.")
    assert (bench.player.told, bench.notices, bench.takes.plays("job")) == ([], [], False)


async def test_a_stop_between_two_pieces_of_one_turn_takes_effect() -> None:
    bench = Bench()
    notes = LiveNotes(
        job="job", parts={"bass": ()}, until_seconds=1.0, heard_seconds=1.0, clip_seconds=9.0, tempo_bpm=120.0
    )
    request = request_for("clip.wav", play="live", sync="jack")
    bench.takes.on_notes(notes, request)  # it is about to begin
    bench.takes.stop("job")
    await settled()
    assert bench.player.told == []


async def test_a_take_that_is_broken_off_before_the_player_knows_of_it_says_why() -> None:
    bench = Bench()
    notes = LiveNotes(
        job="job", parts={"bass": ()}, until_seconds=1.0, heard_seconds=1.0, clip_seconds=9.0, tempo_bpm=120.0
    )
    bench.takes.on_notes(notes, request_for("clip.wav", play="live", sync="jack"))
    bench.takes.requeue("job", "The job begins again.")
    await settled()
    assert (bench.player.told, bench.notices) == ([], ["The job begins again."])


async def test_without_ports_it_is_said_once_that_nothing_plays() -> None:
    bench = Bench()
    bench.player.refuses = True
    for until in (0.0, 5.0, CLIP_SECONDS):
        await bench.notes(until)
    assert (bench.names, bench.notices) == (["play"], ["Not played: No ports here."])
    assert bench.takes.plays("job")


async def test_two_takes_do_not_mix() -> None:
    bench = await begun()
    await bench.notes(4.0, (2.0, OFF), job="next")
    await bench.notes(CLIP_SECONDS, (6.0, ON))
    bench.takes.stop("next")
    await bench.notes(CLIP_SECONDS, (7.0, ON), job="next")
    assert [(told[0], told[1]) for told in bench.player.told] == [
        ("play", "next"),
        ("extend", "next"),
        ("extend", "job"),
    ]


async def test_closing_ends_what_still_waits_for_the_player() -> None:
    bench = await begun(is_ready=False)
    await bench.takes.close()
    await bench.notes(9.0, (6.0, ON))
    await bench.notes(0.0, job="next")
    assert bench.player.told == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
