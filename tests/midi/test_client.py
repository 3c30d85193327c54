from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.errors import BridgeError, EngineFailed
from bridge.events import MidiEnded, MidiReady, MidiStarted, Noticed
from bridge.midi.client import MidiPlayer
from bridge.midi.ports.port_layout import PortLayout
from tests.support.jack_server import JackServer, MidiReader, jack_server, poll, running_jack, why_no_jack
from tests.support.midi_files import midi_file
from tests.support.published import Events
from tests.support.stage import hanging

__all__ = ["jack_server"]

HAS_ALSA = Path("/dev/snd/seq").exists()


@pytest.fixture
def asynchronous_jack_server() -> Iterator[JackServer]:
    """A server as most users run it; a synchronous one would wait for the killed client, too."""
    if reason := why_no_jack():
        pytest.skip(reason)
    with running_jack(synchronous=False) as server:
        yield server


@asynccontextmanager
async def player(environment: dict[str, str]) -> AsyncIterator[tuple[MidiPlayer, Events]]:
    events = Events()
    midi = MidiPlayer(events.publish, PortLayout(), environment=environment)
    await midi.start()
    try:
        yield midi, events
    finally:
        await midi.close()


@pytest.fixture
def long_note(tmp_path: Path) -> Path:
    """One note of ten seconds, bent and with the pedal down."""
    # pedal down; bend up; note 60 on; 9600 = 0xcb00 ticks later, note 60 off
    return midi_file(tmp_path / "long.mid", "00 b0407f  00 e00050  00 903c5a  cb00 803c40")


async def test_switched_off_it_starts_nothing_and_reports_it(long_note: Path) -> None:
    events = Events()
    midi = MidiPlayer(events.publish, PortLayout(), enabled=False)
    await midi.start()
    status = await midi.wait_ready(0.1)
    assert (status.backend, midi.pid) == ("none", None)
    assert "--no-midi" in status.message
    assert events == [MidiReady(status=status)]
    with pytest.raises(EngineFailed, match="switched off"):
        await midi.play("job", {"vocals": long_note})
    midi.stop()
    midi.panic()
    await midi.close()


async def test_waiting_for_a_player_that_never_starts_times_out() -> None:
    with pytest.raises(EngineFailed, match="does not start"):
        await MidiPlayer(Events().publish, PortLayout()).wait_ready(0.01)


@pytest.mark.end_to_end
async def test_without_a_back_end_the_process_reports_it_and_play_is_refused(long_note: Path) -> None:
    if HAS_ALSA or shutil.which("jackd") is None:
        pytest.skip("this machine has ALSA's sequencer, or no JACK to report a missing server")
    async with player({"JACK_DEFAULT_SERVER": "nowhere"}) as (midi, events):
        status = await midi.wait_ready()
        assert (status.backend, status.ports) == ("none", ())
        assert "Start a JACK server" in status.message
        with pytest.raises(EngineFailed, match="JACK"):
            await midi.play("job", {"vocals": long_note})
        assert events == [MidiReady(status=status)]


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_what_happens_to_a_play_is_published(jack_server: JackServer, tmp_path: Path) -> None:
    short = midi_file(tmp_path / "short.mid", "00 903c5a  30 803c40")  # 48 ticks: 50 ms
    async with player(jack_server.environment) as (midi, events):
        await midi.play("job", {"drums": short})
        await events.until_ended("drums", "finished")
        ready, started, *_, ended = events
        assert ready == MidiReady(status=midi.status) and midi.status.backend == "jack"
        assert isinstance(started, MidiStarted)
        assert (started.job, started.stem, started.notes) == ("job", "drums", 1)
        assert started.seconds == pytest.approx(0.05)
        assert isinstance(ended, MidiEnded) and ended.lateness is not None and ended.lateness.messages == 2
        assert 0 <= ended.lateness.p50_ms <= ended.lateness.p99_ms <= ended.lateness.worst_ms


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_a_real_client_receives_the_notes_of_the_file(jack_server: JackServer, tmp_path: Path) -> None:
    # notes 60, 64 and 67 one after the other, each 48 ticks (50 ms) long, the last ended by a note-on of velocity 0
    arpeggio = midi_file(tmp_path / "arpeggio.mid", "00 903c5a 30 803c40  00 904064 30 804040  00 90436e 30 904300")
    async with player(jack_server.environment) as (midi, _):
        await midi.wait_ready()
        with MidiReader(jack_server) as reader:
            reader.connect("Source Audio Bridge:SAB Guitar")
            await midi.play("job", {"guitar": arpeggio})
            assert await asyncio.to_thread(reader.wait, lambda received: len(received) == 6)
            assert [tuple(message.data[:2]) for message in reader.received] == [
                (kind, pitch) for pitch in (60, 64, 67) for kind in (0x90, 0x80)
            ]
            assert [message.data[2] for message in reader.received[::2]] == [90, 100, 110]


@pytest.mark.end_to_end
@pytest.mark.jack
async def test_with_a_missing_file_nothing_is_played(jack_server: JackServer, long_note: Path, tmp_path: Path) -> None:
    async with player(jack_server.environment) as (midi, events):
        await midi.wait_ready()
        with pytest.raises(BridgeError):
            await midi.play("job", {"vocals": long_note, "bass": tmp_path / "missing.mid"})
        assert len(events) == 1


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_a_stop_during_the_reading_of_the_file_takes_effect(jack_server: JackServer, long_note: Path) -> None:
    async with player(jack_server.environment) as (midi, events):
        await midi.wait_ready()
        play = asyncio.create_task(midi.play("job", {"vocals": long_note}))
        await asyncio.sleep(0)
        midi.stop("job")
        await play
        assert events[1:] == [MidiEnded(job="job", stem="vocals", outcome="stopped")]


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_when_the_player_dies_its_playbacks_fail_and_the_ports_come_back(
    asynchronous_jack_server: JackServer, long_note: Path
) -> None:
    async with player(asynchronous_jack_server.environment) as (midi, events):
        ready = MidiReady(status=await midi.wait_ready())
        with MidiReader(asynchronous_jack_server) as reader:
            ports = reader.ports()
            await midi.play("job", {"vocals": long_note, "bass": long_note})
            await events.until(MidiStarted(job="job", stem="bass", seconds=10.0, notes=1))
            assert midi.pid is not None
            os.kill(midi.pid, signal.SIGKILL)
            await events.until(ready, times=2)
            assert reader.ports() == ports
        failed = [event for event in events if isinstance(event, MidiEnded)]
        assert failed == [MidiEnded(job="job", stem=stem, outcome="failed") for stem in ("vocals", "bass")]
        (notice,) = [event for event in events if isinstance(event, Noticed)]
        assert notice.level == "warning" and "starts again" in notice.message
        await midi.play("job", {"vocals": long_note})
        await events.until(MidiStarted(job="job", stem="vocals", seconds=10.0, notes=1), times=2)


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_a_live_take_whose_player_dies_is_over_and_the_next_player_ends_its_notes(
    asynchronous_jack_server: JackServer,
) -> None:
    async with player(asynchronous_jack_server.environment) as (midi, events):
        ready = MidiReady(status=await midi.wait_ready())
        with MidiReader(asynchronous_jack_server) as reader:
            reader.connect("Source Audio Bridge:SAB Vocals")
            await midi.play_live("job", {"vocals": [(0.0, b"\x90\x3c\x5a")]}, 30.0)
            await midi.extend("job", {"vocals": [(0.1, b"\x90\x40\x5a")]}, 60.0)  # which its schedule did not have
            assert await asyncio.to_thread(reader.wait, lambda received: len(received) == 2)
            assert midi.pid is not None
            os.kill(midi.pid, signal.SIGKILL)
            await events.until(ready, times=2)
            await midi.extend("job", {"vocals": [(61.0, b"\x90\x43\x5a")]}, 70.0, is_last=True)
            assert await asyncio.to_thread(
                poll, lambda: reader.is_connected_again("Source Audio Bridge:SAB Vocals") and not still(reader)
            )
        assert [event for event in events if isinstance(event, MidiEnded)] == [
            MidiEnded(job="job", stem="vocals", outcome="failed")
        ]


def still(reader: MidiReader) -> list[str]:
    """What sounds at a reader."""
    return hanging(message.data for message in tuple(reader.received))


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_when_the_server_goes_the_player_looks_for_another_back_end(
    jack_server: JackServer, long_note: Path
) -> None:
    if HAS_ALSA:
        pytest.skip("this machine has ALSA's sequencer to fall back on")
    async with player(jack_server.environment) as (midi, events):
        await midi.play("job", {"vocals": long_note})
        jack_server.kill()
        await events.until_ended("vocals", "failed")
        assert (await midi.wait_ready()).backend == "none"
        notices = [event.message for event in events if isinstance(event, Noticed)]
        assert any("JACK server has gone" in message for message in notices), notices


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_a_stalled_server_blocks_nothing_and_is_used_again_once_it_recovers(
    jack_server: JackServer, long_note: Path
) -> None:
    async with player(jack_server.environment) as (midi, events):
        ready = MidiReady(status=await midi.wait_ready())
        with MidiReader(jack_server) as reader:
            reader.connect("Source Audio Bridge:SAB Vocals")
            await midi.play("job", {"vocals": long_note})
            assert await asyncio.to_thread(reader.wait, lambda received: len(received) == 3)
            pid = midi.pid
            with jack_server.stalled():
                await events.until_ended("vocals", "failed")
                await events.until_ready("none")
                assert "is stalled" in midi.status.message
                with pytest.raises(EngineFailed, match="is stalled"):
                    await midi.play("job", {"vocals": long_note})
            await events.until(ready, times=2)
            assert await asyncio.to_thread(reader.wait, lambda received: len(received) >= 6)
            assert hanging(message.data for message in reader.received) == []
            reader.received.clear()
            await midi.play("job", {"vocals": long_note})
            assert await asyncio.to_thread(reader.wait, lambda received: len(received) == 3)
            assert midi.pid == pid


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_a_player_that_starts_on_a_stalled_server_reports_it_and_opens_ports_once_it_recovers(
    jack_server: JackServer,
) -> None:
    with contextlib.ExitStack() as stall:
        stall.enter_context(jack_server.stalled())
        async with player(jack_server.environment) as (midi, events):
            status = await midi.wait_ready()
            assert (status.backend, "is stalled" in status.message) == ("none", True)
            stall.close()
            await events.until_ready("jack")
            assert len(midi.status.ports) == 6


@pytest.mark.jack
@pytest.mark.end_to_end
async def test_closing_in_the_middle_ends_every_note_and_every_play(jack_server: JackServer, long_note: Path) -> None:
    async with player(jack_server.environment) as (midi, events):
        await midi.wait_ready()
        with MidiReader(jack_server) as reader:
            reader.connect("Source Audio Bridge:SAB Vocals")
            await midi.play("job", {"vocals": long_note})
            assert await asyncio.to_thread(reader.wait, lambda received: len(received) == 3)
            await midi.close()
            assert hanging(message.data for message in reader.received) == []
            assert len(reader.received) == 6
        ended = events[-1]
        assert isinstance(ended, MidiEnded) and ended.outcome == "stopped"
        assert midi.pid is None
