"""Ardour records four live MIDI tracks while the bridge still separates, rolling with JACK's transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from tests.support.ardour import Ardour, Note, read_part, rolling_with_jack, why_no_ardour
from tests.support.gate import Gate, gate
from tests.support.jack_server import running_jack
from tests.support.programs import Server, serving, until_ports_are_open

pytestmark = [pytest.mark.ardour, pytest.mark.jack, pytest.mark.end_to_end]

STEMS = ("Vocals", "Drums", "Bass", "Other")
PERIOD_FRAMES = 512
PUSH_SECONDS = 60.0
#: `draft` separates it in blocks of 4.35 s, and what is left.
CLIP_SECONDS = 20.0
#: Where the first take ends and the second one, in the middle of the clip, begins and ends.
FIRST_STOP, SECOND_START, SECOND_STOP = 3.5, 5.0, 6.2
#: A recorded note may lie so far from that of the file: a period, what the network decides anew, a busy machine.
NEAR_SECONDS = 0.05


class Recorded(NamedTuple):
    """What Ardour has recorded, at the times of the session, and what the files have."""

    takes: tuple[dict[str, list[Note]], ...]
    files: dict[str, list[Note]]
    complaints: str
    """Ardour's log."""
    horizons: tuple[float, ...]
    """How far the job was when the first take began, when it ended, and when the second one ended."""


class Job:
    """A live job and what is pushed of it."""

    def __init__(self, client: OscClient, job: str) -> None:
        self._client = client
        self.job = job
        self.horizon = 0.0
        self.is_over = False

    async def until(self, holds: Callable[[Message], bool]) -> None:
        """Reads pushes up to the first one for which it holds."""
        while True:
            push = await asyncio.wait_for(self._client.next_push(), PUSH_SECONDS)
            if push.address == "/sab/horizon":
                self.horizon = float(push.arguments[1])  # type: ignore[arg-type]
            self.is_over = self.is_over or push.address == "/sab/finished"
            if holds(push):
                return

    async def known(self) -> None:
        """The horizon moves."""
        await self.until(lambda push: push.address == "/sab/horizon")

    async def played(self, seconds: float) -> None:
        """The music is at this second of the clip."""
        await self.until(lambda push: push.address == "/sab/midi.position" and float(push.arguments[2]) >= seconds)  # type: ignore[arg-type]

    async def stopped(self) -> None:
        """All stems wait for the next take."""
        for _ in STEMS:
            await self.until(lambda push: push.address == "/sab/midi.end" and push.arguments[2] == "stopped")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    if reason := why_no_ardour():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("live")
    demo, rate = soundfile.read(str(files("bridge.demo") / "clip.ogg"), always_2d=True)
    clip = folder / "song.wav"
    soundfile.write(clip, np.concatenate((demo, demo, demo))[: round(CLIP_SECONDS * rate)], rate)
    (folder / "server").mkdir()
    with pytest.MonkeyPatch.context() as environment, running_jack(PERIOD_FRAMES, real_time=True) as jack:
        for name, value in jack.environment.items():
            environment.setenv(name, value)
        with gate(folder, environment) as separation, serving(folder / "server", "--engine", "draft") as server:
            asyncio.run(until_ports_are_open(server))
            with rolling_with_jack(folder) as ardour:
                horizons = asyncio.run(record(ardour, server, clip, separation))
    stems = folder / "stems" / "song"
    return Recorded(
        takes=tuple({stem: in_session(ardour, stem, take) for stem in STEMS} for take in range(2)),
        files={stem: read_part(stems / f"song ({stem}).mid").notes for stem in STEMS},
        complaints=ardour.log,
        horizons=horizons,
    )


async def record(ardour: Ardour, server: Server, clip: Path, separation: Gate) -> tuple[float, ...]:
    async with open_client(server.host, server.port) as client:
        await client.ask("/sab/subscribe", 1)
        separation.let(1)
        options = ("play", "live", "sync", "jack", "beat", 0.0, "tempo", 120.0)
        (accepted,) = await client.ask("/sab/submit", str(clip), *options)
        job = Job(client, str(accepted.arguments[1]))
        await job.known()
        horizons = [job.horizon]
        await asyncio.to_thread(ardour.roll, 0.0)
        separation.let(1)
        await job.known()
        await job.played(FIRST_STOP)
        await stop(ardour, job)
        horizons.append(job.horizon)
        separation.let(1)
        await job.known()
        await asyncio.to_thread(ardour.roll, SECOND_START)
        await job.played(SECOND_STOP)
        await stop(ardour, job)
        horizons.append(job.horizon)
        assert not job.is_over
        separation.let_all()
        await job.until(lambda push: push.address == "/sab/finished" and push.arguments[1] == "done")
        return tuple(horizons)


async def stop(ardour: Ardour, job: Job) -> None:
    """JACK's transport stops first, so that Ardour records how the bridge ends the notes, and has to end none."""
    await asyncio.to_thread(ardour.free)
    await job.stopped()
    await asyncio.to_thread(ardour.stop)


def in_session(ardour: Ardour, stem: str, take: int) -> list[Note]:
    recording = ardour.recorded[stem][take]
    return [
        note._replace(on=note.on + recording.seconds, off=note.off + recording.seconds)
        for note in read_part(recording.path).notes
    ]


def test_it_records_while_the_job_is_still_separating(recorded: Recorded) -> None:
    first, second, third = recorded.horizons
    assert 0 < first < FIRST_STOP < second < third < CLIP_SECONDS
    last_onset = max(note.on for notes in recorded.takes[0].values() for note in notes)
    assert last_onset > first  # became known while it rolled


@pytest.mark.parametrize("take", [0, 1])
def test_every_note_of_a_live_take_is_ended_and_stands_where_the_files_have_it(recorded: Recorded, take: int) -> None:
    # That every note-on has its note-off was asserted when the files were read.
    assert "no note-off" not in recorded.complaints  # else Ardour has added some
    start, stop = ((0.0, FIRST_STOP), (SECOND_START, SECOND_STOP))[take]
    found = agreeing = 0
    for stem, notes in recorded.takes[take].items():
        assert notes, f"nothing of {stem}"
        for note in notes:
            assert start - NEAR_SECONDS <= note.on
            # One that begins as the transport stops ends in the same moment.
            assert note.on < note.off or (note.on == note.off > stop)
            found += 1
            agreeing += any(
                there.pitch == note.pitch and abs(there.on - note.on) < NEAR_SECONDS for there in recorded.files[stem]
            )
    there = sum(start + 0.1 < note.on < stop for notes in recorded.files.values() for note in notes)
    assert agreeing >= 0.9 * found
    assert agreeing >= 0.9 * there
