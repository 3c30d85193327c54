"""Notes that play while a farm computes them, on a real JACK server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from bridge.midi.schedule import is_note_on
from bridge.osc.client import OscClient, open_client
from bridge.smf.notes import notes_of_file
from tests.support.farm import Farm
from tests.support.gate import Gate, gate
from tests.support.jack_server import MidiReader, poll, running_jack, why_no_jack
from tests.support.programs import Server, serving, until_ports_are_open, until_status
from tests.support.stage import hanging

pytestmark = [pytest.mark.jack, pytest.mark.end_to_end]

#: `draft` separates it in three blocks.
CLIP_SECONDS = 12.0
PUSH_SECONDS = 60.0


class Studio(NamedTuple):
    """A bridge whose jobs a farm computes, a reader on the drums' port, and the farm's separation, which is held."""

    server: Server
    farm: Farm
    separation: Gate
    drums: MidiReader
    clip: Path

    def note_ons(self) -> int:
        return sum(is_note_on(message.data) for message in tuple(self.drums.received))

    def sounding(self) -> list[str]:
        return hanging(message.data for message in tuple(self.drums.received))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    if reason := why_no_jack():
        pytest.skip(reason)
    demo, rate = soundfile.read(str(files("bridge.demo") / "clip.ogg"), always_2d=True)
    clip = tmp_path / "song.wav"
    soundfile.write(clip, np.concatenate((demo, demo))[: round(CLIP_SECONDS * rate)], rate)
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        jack = stack.enter_context(running_jack(real_time=True))
        for name, value in jack.environment.items():
            environment.setenv(name, value)
        separation = stack.enter_context(gate(tmp_path, environment))
        farm = stack.enter_context(Farm(tmp_path / "farm"))
        farm.start_scheduler()
        farm.start_worker("one", shares=False)
        state = farm.settings.state_dir
        server = stack.enter_context(serving(state, "--engine", "draft", "--cluster", farm.address))
        asyncio.run(until_ports_are_open(server))
        drums = stack.enter_context(MidiReader(jack, "reader"))
        drums.connect("Source Audio Bridge:SAB Drums")
        yield Studio(server, farm, separation, drums, clip)


async def until(client: OscClient, address: str) -> tuple[object, ...]:
    """The arguments of the next push of that address."""
    while (push := await asyncio.wait_for(client.next_push(), PUSH_SECONDS)).address != address:
        continue
    return push.arguments


async def submit_live(studio: Studio, client: OscClient) -> None:
    """Returns when notes sound of a clip of which the farm knows no more than two blocks."""
    await until_status(client, "computing", "farm")
    studio.separation.let(2)
    await client.ask("/sab/submit", str(studio.clip), "play", "live", "sync", "now")
    assert await asyncio.to_thread(poll, lambda: studio.note_ons() > 0)


async def test_notes_play_while_the_farm_computes_and_are_those_of_the_files(studio: Studio) -> None:
    async with open_client(studio.server.host, studio.server.port) as client:
        await client.ask("/sab/subscribe", 1)
        await submit_live(studio, client)
        assert list((studio.clip.parent / "stems" / "song").glob("song*")) == []  # nothing is written yet
        studio.separation.let_all()
        assert (await until(client, "/sab/finished"))[1] == "done"
        while (end := await until(client, "/sab/midi.end"))[1] != "drums":
            continue
        assert end[2] == "finished"
    (written,) = notes_of_file(studio.clip.parent / "stems" / "song" / "song (Drums).mid").parts.values()
    assert await asyncio.to_thread(poll, lambda: studio.note_ons() == len(written) and not studio.sounding())


async def test_a_farm_that_goes_in_the_middle_leaves_nothing_sounding(studio: Studio) -> None:
    async with open_client(studio.server.host, studio.server.port) as client:
        await client.ask("/sab/subscribe", 1)
        await submit_live(studio, client)
        studio.farm.kill("one")
        studio.farm.kill("scheduler")
        studio.separation.let_all()
        assert (await until(client, "/sab/finished"))[1] == "done"
    assert await asyncio.to_thread(poll, lambda: studio.sounding() == [])
    assert (studio.clip.parent / "stems" / "song" / "song (Drums).mid").is_file()
