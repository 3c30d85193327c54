"""Faults in the middle of a live take, on a real JACK server: nothing sounds on, and the files are right."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import pytest_asyncio
import soundfile

from bridge.local import TAKE_IS_OVER
from bridge.midi.schedule import is_note_on
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from tests.support.gate import Gate, gate
from tests.support.jack_server import MidiReader, MidiSender, poll, running_jack, why_no_jack
from tests.support.programs import Server, serving, until_ports_are_open
from tests.support.stage import hanging

pytestmark = [pytest.mark.jack, pytest.mark.end_to_end]

STEMS = ("Vocals", "Drums", "Bass", "Other")
#: `draft` separates it in three blocks; after the second one, 6 s of notes are known.
CLIP_SECONDS = 14.0
#: The clip lies at the start of the song.
PLACE = ("beat", 0.0, "tempo", 120.0)
PUSH_SECONDS = 60.0


class Stage(NamedTuple):
    """A server whose separation is held, a transport, and a reader on each stem's port."""

    server: Server
    separation: Gate
    transport: MidiSender
    readers: Mapping[str, MidiReader]
    clip: Path
    files: Mapping[str, bytes]
    """By their names, what a job that is not live makes of the clip."""
    cache: Path

    def previews(self) -> list[str]:
        """The stems that can be read while a job plays live."""
        return sorted(path.name for path in self.cache.glob("previews/*/*.wav"))

    def hanging(self) -> list[str]:
        return [f"{stem}: {what}" for stem, reader in self.readers.items() for what in sounding(reader)]

    def note_ons(self) -> int:
        return sum(is_note_on(message.data) for reader in self.readers.values() for message in reader.received)


def sounding(reader: MidiReader) -> list[str]:
    return hanging(message.data for message in tuple(reader.received))


class LiveJob:
    """A job that plays live with JACK's transport, of which 6 s are known and no more comes until it is let."""

    def __init__(self, stage: Stage, client: OscClient, folder: Path) -> None:
        self._stage, self._client, self._folder = stage, client, folder
        self.job = ""

    async def begin(self) -> None:
        clip = Path(shutil.copy2(self._stage.clip, self._folder / "song.wav"))  # its time goes into the files
        self._stage.separation.let(2)
        (accepted,) = await self._client.ask("/sab/submit", str(clip), *PLACE, "play", "live", "sync", "jack")
        self.job = str(accepted.arguments[1])
        for _ in range(2):
            await self.until(lambda push: push.address == "/sab/horizon")

    async def until(self, holds: Callable[[Message], bool]) -> Message:
        """The first push of this job for which it holds."""
        while True:
            push = await asyncio.wait_for(self._client.next_push(), PUSH_SECONDS)
            if push.arguments[:1] == (self.job,) and holds(push):
                return push

    async def ended(self, outcome: str) -> None:
        """The playback of all stems ends so."""
        for _ in STEMS:
            assert (await self.until(lambda push: push.address == "/sab/midi.end")).arguments[2] == outcome

    async def roll(self, seconds: float) -> None:
        """JACK's transport rolls from there; returns when something sounds."""
        self._stage.transport.locate(seconds)
        self._stage.transport.roll()
        assert await asyncio.to_thread(poll, lambda: bool(self._stage.hanging()))

    async def is_at(self, seconds: float) -> None:
        """The music has come to this second of the clip, or little beyond."""

        def is_there(push: Message) -> bool:
            return push.address == "/sab/midi.position" and seconds < float(push.arguments[2]) < seconds + 3  # type: ignore[arg-type]

        await self.until(is_there)

    async def is_silent(self) -> None:
        assert await asyncio.to_thread(poll, lambda: not self._stage.hanging()), self._stage.hanging()

    async def finishes(self) -> None:
        """The rest of the clip is separated, and its files are as without the take and what befell it."""
        self._stage.separation.let_all()
        end = await self.until(lambda push: push.address == "/sab/finished")
        assert end.arguments[1] == "done"
        assert contents(self._folder) == self._stage.files

    def left(self) -> list[Path]:
        """What lies beside the clip."""
        return [path for path in self._folder.rglob("*") if path.is_file() and path.name != "song.wav"]


def contents(folder: Path) -> dict[str, bytes]:
    """The stems and notes of the job of the clip in a folder, by their names."""
    results = folder / "stems" / "song"
    return {path.name: path.read_bytes() for path in results.iterdir() if path.suffix in (".wav", ".mid")}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if reason := why_no_jack():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("faults")
    demo, rate = soundfile.read(str(files("bridge.demo") / "clip.ogg"), always_2d=True)
    clip = folder / "song.wav"
    soundfile.write(clip, np.concatenate((demo, demo))[: round(CLIP_SECONDS * rate)], rate)
    (folder / "server").mkdir()
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        jack = stack.enter_context(running_jack(real_time=True))
        # Without a cache, every job separates.
        cache = folder / "cache"
        for name, value in {**jack.environment, "SAB_CACHE_MAX_GB": "0", "SAB_CACHE_DIR": str(cache)}.items():
            environment.setenv(name, value)
        separation = stack.enter_context(gate(folder, environment))
        server = stack.enter_context(serving(folder / "server", "--engine", "draft"))
        asyncio.run(until_ports_are_open(server))
        separation.let_all()
        asyncio.run(separate(server, clip))
        transport = stack.enter_context(MidiSender(jack, "transport"))
        readers = {stem: stack.enter_context(MidiReader(jack, f"reader {stem}")) for stem in STEMS}
        for stem, reader in readers.items():
            reader.connect(f"Source Audio Bridge:SAB {stem}")
        yield Stage(server, separation, transport, readers, clip, contents(folder), cache)


async def separate(server: Server, clip: Path) -> None:
    async with open_client(server.host, server.port) as client:
        await client.ask("/sab/subscribe", 1)
        await client.ask("/sab/submit", str(clip), *PLACE)
        while (await asyncio.wait_for(client.next_push(), PUSH_SECONDS)).address != "/sab/finished":
            continue


@pytest_asyncio.fixture
async def client(stage: Stage) -> AsyncIterator[OscClient]:
    async with open_client(stage.server.host, stage.server.port) as client:
        await client.ask("/sab/subscribe", 1)
        yield client


@pytest_asyncio.fixture
async def live(stage: Stage, client: OscClient, tmp_path: Path) -> AsyncIterator[LiveJob]:
    stage.separation.close()
    for reader in stage.readers.values():
        reader.received.clear()
    job = LiveJob(stage, client, tmp_path)
    await job.begin()
    yield job
    stage.transport.halt()
    await client.ask("/sab/stop")


async def test_a_killed_worker_ends_the_notes_and_the_job_begins_again(stage: Stage, live: LiveJob) -> None:
    await live.roll(0.5)
    assert stage.previews() == ["bass.wav", "drums.wav", "other.wav", "vocals.wav"]
    os.kill(stage.server.worker_pid(), signal.SIGKILL)
    await live.ended("failed")
    await live.is_silent()
    played = stage.note_ons()
    await live.finishes()
    assert stage.note_ons() == played  # nothing more, and nothing again
    assert await asyncio.to_thread(poll, lambda: stage.previews() == [])  # what the killed worker left is gone, too
    assert TAKE_IS_OVER in (stage.server.folder / "server.log").read_text()


async def test_a_daw_that_stops_jumps_and_stops_again_leaves_nothing_sounding(stage: Stage, live: LiveJob) -> None:
    await live.roll(0.5)
    stage.transport.halt()
    await live.ended("stopped")
    await live.is_silent()
    await live.roll(1.0)
    for seconds in (4.0, 60.0, 0.5, 9.0, 2.0):  # known, beyond the clip, back, not known yet, back
        stage.transport.locate(seconds)
        await live.is_at(seconds)
    await live.finishes()  # while it rolls
    stage.transport.halt()
    await live.ended("stopped")
    await live.is_silent()


async def test_a_cancelled_job_is_silent_and_leaves_no_files(stage: Stage, client: OscClient, live: LiveJob) -> None:
    await live.roll(0.5)
    await client.ask("/sab/cancel", live.job)
    await live.ended("stopped")
    await live.is_silent()
    assert (await live.until(lambda push: push.address == "/sab/finished")).arguments[1] == "cancelled"
    assert live.left() == []
    assert stage.previews() == []


async def test_panic_silences_a_live_take_for_good_and_its_job_goes_on(
    stage: Stage, client: OscClient, live: LiveJob
) -> None:
    await live.roll(0.5)
    await client.ask("/sab/panic")
    await live.ended("stopped")
    await live.is_silent()
    played = stage.note_ons()
    await live.finishes()
    assert stage.note_ons() == played
    for reader in stage.readers.values():
        assert any(message.data == b"\xb0\x78\x00" for message in reader.received)  # all sound off
