"""The process and its client, with miniaudio's own device without hardware."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.errors import EngineFailed, NotFound
from bridge.hearing.client import HearingClient
from bridge.model import Note
from bridge.protocols.hearing import HearingStatus, Track
from tests.hearing.by_hand import level_of, sine
from tests.support.jack_server import SAMPLE_RATE_HZ, JackServer, jack_server

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["jack_server"]
pytestmark = pytest.mark.end_to_end
LIMIT_SECONDS = 30.0


@asynccontextmanager
async def client(hear_on: str = "silent", **how: float) -> AsyncIterator[HearingClient]:
    client = HearingClient(hear_on, **how)  # type: ignore[arg-type]
    try:
        yield client
    finally:
        await client.close()


async def until(hearing: HearingClient, holds: Callable[[HearingStatus], bool]) -> HearingStatus:
    """Waits until the status is so."""
    found = asyncio.get_running_loop().create_future()

    def look(status: HearingStatus) -> None:
        if holds(status) and not found.done():
            found.set_result(status)

    unsubscribe = hearing.subscribe(look)
    look(hearing.status)
    try:
        status: HearingStatus = await asyncio.wait_for(found, LIMIT_SECONDS)
        return status
    finally:
        unsubscribe()


async def test_stems_and_notes_play_to_their_end(tmp_path: Path) -> None:
    melody = tuple(
        Note(onset_seconds=step / 4, offset_seconds=(step + 1) / 4, pitch=60 + step, velocity=90) for step in range(6)
    )
    async with client() as hearing:
        assert hearing.pid is None  # nothing is loaded before it is used
        bass = Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0, seconds=1.0))
        await hearing.play([bass, Track(name="lead", notes=melody)], 0.5)
        playing = await until(hearing, lambda status: status.is_playing and status.seconds > 0.7)
        assert playing.device
        hearing.set_silent(["bass"])
        hearing.replace_notes("lead", melody[:5])
        hearing.pause()
        paused = await until(hearing, lambda status: not status.is_playing)
        hearing.seek(0.9)
        await until(hearing, lambda status: status.seconds == 0.9)
        hearing.resume()
        await until(hearing, lambda status: status.is_playing)
        ended = await until(hearing, lambda status: not status.is_playing and status.seconds > 1.2)
        assert paused.seconds < ended.seconds == pytest.approx(1.37, abs=0.01)
        hearing.stop()
        assert (await until(hearing, lambda status: status.seconds == 0.0)).message == ""


async def test_a_file_that_is_not_there_and_a_play_that_takes_anothers_place(tmp_path: Path) -> None:
    async with client() as hearing:
        with pytest.raises(NotFound, match=r"none\.wav"):
            await hearing.play([Track(name="x", path=str(tmp_path / "none.wav"))])
        track = Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0))
        await asyncio.gather(hearing.play([track]), hearing.play([track], 2.0))
        await until(hearing, lambda status: status.is_playing and status.seconds >= 2.0)


async def test_the_process_ends_when_it_is_idle_and_starts_again(tmp_path: Path) -> None:
    track = Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0, seconds=0.2))
    async with client(idle_seconds=0.0) as hearing:
        await hearing.play([track])
        await until(hearing, lambda status: not status.is_playing and status.seconds > 0.1)
        pids = [hearing.pid]
        await hearing.play([track])
        pids.append(hearing.pid)
    assert [pid is None for pid in (*pids, hearing.pid)] == [True, False, True]


async def test_what_rests_plays_on_though_its_process_has_ended(tmp_path: Path) -> None:
    track = Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0))
    async with client(idle_seconds=0.0) as hearing:
        await hearing.play([track], 1.0)
        hearing.pause()
        await until(hearing, lambda status: not status.is_playing)
        hearing.seek(2.0)
        await until(hearing, lambda status: status.seconds == 2.0)
        hearing.resume()
        await until(hearing, lambda status: status.is_playing and status.seconds >= 2.0)
        hearing.seek(3.8)
        ended = await until(hearing, lambda status: not status.is_playing)
        assert ended.seconds == pytest.approx(4.0, abs=0.01)
        hearing.resume()
        await until(hearing, lambda status: status.is_playing and status.seconds < 1.0)


async def test_a_killed_process_is_told_and_the_next_play_starts_another(tmp_path: Path) -> None:
    track = Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0))
    async with client() as hearing:
        await hearing.play([track])
        assert hearing.pid is not None
        os.kill(hearing.pid, signal.SIGTERM)
        assert "has ended" in (await until(hearing, lambda status: bool(status.message))).message
        await hearing.play([track])
        assert (await until(hearing, lambda status: status.is_playing)).message == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP")
async def test_an_output_that_hangs_is_given_up(tmp_path: Path) -> None:
    track = Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0))
    async with client(answer_seconds=15.0) as hearing:
        await hearing.play([track])
        pid = hearing.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        hearing._answer_seconds = 0.2
        with pytest.raises(EngineFailed, match="does not answer"):
            await hearing.play([track])
        hearing._answer_seconds = 15.0
        await hearing.play([track])
        assert hearing.pid != pid


async def test_a_back_end_that_another_system_has_is_no_output(tmp_path: Path) -> None:
    other = "coreaudio" if sys.platform != "darwin" else "wasapi"
    async with client(other) as hearing:
        with pytest.raises(EngineFailed, match="no output that opens"):
            await hearing.play([Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0))])
        assert "no output" in (await until(hearing, lambda status: bool(status.message))).message


def recorded(server: JackServer, port: str, seconds: float) -> npt.NDArray[np.float32]:
    """What comes out of a port of the server in that time."""
    client = importlib.import_module("jack").Client("recorder", no_start_server=True, servername=server.name)
    wanted = round(seconds * SAMPLE_RATE_HZ / client.blocksize)
    blocks: list[npt.NDArray[np.float32]] = []
    enough = threading.Event()
    inport = client.inports.register("in")

    def process(_: int) -> None:
        if inport.connections and len(blocks) < wanted:
            blocks.append(inport.get_array().copy())
        if len(blocks) == wanted:
            enough.set()

    client.set_process_callback(process)
    with client:
        client.connect(port, inport)
        assert enough.wait(LIMIT_SECONDS)
    return np.concatenate(blocks)


@pytest.mark.jack
@pytest.mark.alone
async def test_on_jack_it_plays_until_the_server_dies(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in jack_server.environment.items():
        monkeypatch.setenv(name, value)
    track = Track(name="bass", path=sine(tmp_path / "bass.wav", 110.0, seconds=60.0))
    async with client("auto") as hearing:
        await hearing.play([track])
        playing = await until(hearing, lambda status: status.seconds > 0.5)
        assert playing.device == "JACK"
        arrived = await asyncio.to_thread(recorded, jack_server, "Source Audio Bridge:playback0", 0.5)
        assert level_of(np.stack([arrived, arrived], axis=1), 110.0) > 0.3
        jack_server.kill()
        gone = await until(hearing, lambda status: not status.is_playing)
        assert gone.message
        assert gone.seconds >= playing.seconds
