"""A live take from the main process's side: on a player's process whose ports discard what they get."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from bridge.errors import EngineFailed
from bridge.events import MidiEnded, MidiStarted, MidiStarved, MidiWaiting, Noticed
from bridge.midi.client import MidiPlayer
from bridge.midi.live_take import MESSAGES_A_COMMAND, LiveTake
from bridge.midi.player.growing import GrowingSchedule
from bridge.midi.player.unended_notes import FILE_NAME
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.silent import SILENT
from bridge.midi.schedule import TimedBytes
from bridge.model import PlayOutcome
from bridge.request import CLOCK
from tests.support.published import Events

ON, OFF = b"\x90\x3c\x64", b"\x80\x3c\x40"
HIGHER, HIGHER_OFF = b"\x90\x40\x64", b"\x80\x40\x40"


def live_take(*stems: str) -> LiveTake:
    return LiveTake("job", stems, beat=4.0, tempo_bpm=98.0)


def test_what_is_known_when_it_starts_is_sent_as_open_schedules_and_the_rest_as_extensions() -> None:
    take = live_take("bass", "drums")
    take.extend({"bass": [(1.5, OFF), (0.5, ON)]}, 2.0, is_last=False)
    bass, drums = take.schedules({"drums": 0.25})
    assert bass.messages == (TimedBytes(0.5, ON), TimedBytes(1.5, OFF))
    assert (bass.is_open, bass.until_seconds, bass.notes, bass.beat, bass.tempo_bpm) == (True, 2.0, 1, 4.0, 98.0)
    assert (drums.is_open, drums.messages, drums.offset_seconds) == (True, (), 0.25)
    assert list(take.extensions()) == []
    take.extend({"drums": [(2.5, ON)]}, 3.0, is_last=False)
    more = list(take.extensions())
    assert [(part.stem, part.messages, part.until_seconds, part.is_last) for part in more] == [
        ("bass", (), 3.0, False),
        ("drums", (TimedBytes(2.5, ON),), 3.0, False),
    ]
    take.extend({}, 3.0, is_last=True)
    assert [part.is_last for part in take.extensions()] == [True, True]
    take.extend({"bass": [(9.0, ON)]}, 9.0, is_last=False)
    assert list(take.extensions()) == []


def test_a_take_that_is_complete_before_it_starts_is_a_closed_schedule() -> None:
    take = live_take("bass")
    take.extend({"bass": [(0.5, ON), (1.0, OFF)]}, 2.0, is_last=True)
    (bass,) = take.schedules({})
    assert not bass.is_open
    assert list(take.extensions()) == []


def test_a_long_extension_is_sent_in_several_commands_that_append_to_the_same() -> None:
    take = live_take("bass")
    (bass,) = take.schedules({})
    pairs = [(index / 100, ON if index % 2 == 0 else OFF) for index in range(3 * MESSAGES_A_COMMAND + 5)]
    take.extend({"bass": pairs}, 60.0, is_last=True)
    parts = list(take.extensions())
    assert [len(part.messages) for part in parts] == [MESSAGES_A_COMMAND] * 3 + [5]
    growing = GrowingSchedule(bass)
    for part in parts:
        assert growing.is_open
        growing.extend(part.messages, part.until_seconds, is_last=part.is_last)
        assert growing.until_seconds >= growing.seconds
    assert growing.messages == [TimedBytes(seconds, data) for seconds, data in pairs]
    assert (growing.is_open, growing.until_seconds, growing.notes) == (False, 60.0, -(-len(pairs) // 2))


def test_a_message_that_rounding_moved_before_the_last_one_keeps_the_order() -> None:
    take = live_take("bass")
    take.extend({"bass": [(1.0, ON)]}, 1.0, is_last=False)
    take.extend({"bass": [(0.9995, OFF)]}, 2.0, is_last=False)
    (bass,) = take.schedules({})
    assert bass.messages == (TimedBytes(1.0, ON), TimedBytes(1.0, OFF))


@asynccontextmanager
async def player(folder: Path) -> AsyncIterator[tuple[MidiPlayer, Events]]:
    events = Events()
    midi = MidiPlayer(events.publish, PortLayout(backend=SILENT, folder=str(folder)))
    await midi.start()
    try:
        yield midi, events
    finally:
        await midi.close()


def endings(folder: Path) -> dict[str, list[bytes]]:
    return msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=dict[str, list[bytes]])


@pytest.mark.end_to_end
async def test_a_take_grows_while_it_plays_and_ends_when_it_is_told(tmp_path: Path) -> None:
    async with player(tmp_path) as (midi, events):
        playing = asyncio.create_task(midi.play_live("job", {"bass": [(0.0, ON)], "drums": ()}, 0.05))
        await asyncio.sleep(0)
        await midi.extend("job", {"bass": [(0.06, OFF)]}, 0.1)  # while it is being prepared
        await midi.extend("another job", {"bass": [(0.06, OFF)]}, 0.1)
        await playing
        starved = await events.until_any(MidiStarved, 2)
        assert {(event.stem, event.seconds) for event in starved if isinstance(event, MidiStarved)} == {
            ("bass", 0.1), ("drums", 0.1)
        }  # fmt: skip
        await midi.extend("job", {"bass": [(0.1, HIGHER), (0.1, HIGHER_OFF)]}, 0.2, is_last=True)
        ended = await events.until_any(MidiEnded, 2)
        started = await events.until_any(MidiStarted, 2)
        assert {(e.stem, e.notes, e.seconds) for e in started if isinstance(e, MidiStarted)} == {
            ("bass", 1, 0.06), ("drums", 0, 0.0)
        }  # fmt: skip
        assert {(e.stem, e.outcome, e.missed) for e in ended if isinstance(e, MidiEnded)} == {
            ("bass", "finished", 1), ("drums", "finished", 0)
        }  # fmt: skip
        assert not (tmp_path / FILE_NAME).exists()
        await midi.extend("job", {"bass": [(5.0, ON)]}, 9.0)  # it is over
        assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.end_to_end
async def test_the_file_covers_what_may_sound_and_is_written_only_when_that_grows(tmp_path: Path) -> None:
    async with player(tmp_path) as (midi, events):
        await midi.play_live("job", {"bass": [(0.5, ON)]}, 1.0, sync=CLOCK)
        await events.until_any(MidiWaiting)
        assert endings(tmp_path) == {"bass": [OFF]}
        written = (tmp_path / FILE_NAME).stat()
        await midi.extend("job", {"bass": [(1.0, OFF), (1.5, ON), (1.9, OFF)]}, 2.0)
        assert (tmp_path / FILE_NAME).stat().st_ino == written.st_ino
        await asyncio.gather(
            midi.extend("job", {"bass": [(2.5, HIGHER)]}, 3.0),
            midi.extend("job", {"bass": [(3.0, HIGHER_OFF)]}, 4.0, is_last=True),
        )
        assert endings(tmp_path) == {"bass": [OFF, HIGHER_OFF]}
        assert (tmp_path / FILE_NAME).stat().st_ino != written.st_ino
        midi.stop("job")
        (ended,) = await events.until_any(MidiEnded)
        assert isinstance(ended, MidiEnded) and ended.outcome == "stopped"
        assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.end_to_end
async def test_a_take_that_is_stopped_or_broken_off_while_it_is_prepared_does_not_start(tmp_path: Path) -> None:
    async with player(tmp_path) as (midi, events):
        await midi.wait_ready()
        ways: list[tuple[Callable[[], None], PlayOutcome]] = [
            (lambda: midi.stop("job"), "stopped"),
            (lambda: midi.break_off("job", "Why."), "failed"),
        ]
        for end, outcome in ways:
            events.clear()
            playing = asyncio.create_task(midi.play_live("job", {"bass": [(0.0, ON)]}, 1.0))
            await asyncio.sleep(0)
            end()
            await playing
            assert [event for event in events if isinstance(event, MidiEnded)] == [
                MidiEnded(job="job", stem="bass", outcome=outcome)
            ]
            assert not any(isinstance(event, MidiStarted) for event in events)
            assert not (tmp_path / FILE_NAME).exists()
            await midi.extend("job", {"bass": [(1.0, OFF)]}, 2.0)
        assert [event.message for event in events if isinstance(event, Noticed)] == ["Why."]


@pytest.mark.end_to_end
async def test_a_take_that_is_broken_off_or_whose_player_dies_has_failed(tmp_path: Path) -> None:
    async with player(tmp_path) as (midi, events):
        await midi.play_live("job", {"bass": [(0.0, ON)], "drums": ()}, 60.0)
        await events.until_any(MidiStarted, 2)
        midi.break_off("job", "The job has failed.")
        ended = await events.until_any(MidiEnded, 2)
        assert [event.outcome for event in ended if isinstance(event, MidiEnded)] == ["failed", "failed"]
        assert [e.message for e in events if isinstance(e, Noticed)] == ["The job has failed."]
        await midi.play_live("job", {"bass": [(0.0, ON)]}, 60.0)
        await events.until_any(MidiStarted, 3)
        assert midi.pid is not None
        os.kill(midi.pid, signal.SIGKILL)
        await events.until_any(MidiEnded, 3)
        await midi.extend("job", {"bass": [(61.0, OFF)]}, 70.0)
        assert endings(tmp_path) == {"bass": [OFF]}  # for the next player, or the next bridge


async def test_without_a_player_it_is_refused() -> None:
    midi = MidiPlayer(Events().publish, PortLayout(), enabled=False)
    await midi.start()
    with pytest.raises(EngineFailed, match="switched off"):
        await midi.play_live("job", {"bass": ()})
    await midi.extend("job", {"bass": [(0.0, ON)]}, 1.0)
    midi.break_off("job", "Why.")
    await midi.close()
