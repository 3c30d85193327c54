"""The DAW's jobs on a farm without a shared folder: real processes, each with folders of its own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.app import RunningBridge, open_bridge
from bridge.cli.diagnosis.farm import farm_finding
from bridge.config import load_settings
from bridge.events import Ended, Event, HorizonMoved, Progressed
from bridge.model import SCREEN, Job
from tests.support.farm import Farm
from tests.support.programs import POLL_SECONDS, START_SECONDS
from tests.support.requests import request_for
from tests.support.sounds import music, write

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with Farm(tmp_path / "farm") as made:
        yield made


class Daw:
    """A bridge that computes on a farm, and what it tells."""

    def __init__(self, running: RunningBridge, folder: Path) -> None:
        self._bridge = running.bridge
        self.settings = running.settings
        self._folder = folder
        self.events: list[Event] = []
        self._bridge.subscribe(self.events.append)

    async def computes(self, where: str) -> None:
        await self.until(lambda: self._bridge.status().computing == where)

    async def submit(self, clip: Path, name: str, origin: str = "") -> str:
        request = request_for(
            clip, engine="draft", midi=("bass", "drums"), name="song", out=str(self._folder / "stems" / name)
        )
        job, _ = await self._bridge.submit(request, origin=origin)
        return job.id

    async def is_separating(self, job: str) -> None:
        """Returns in the middle of a job."""

        def has_begun() -> bool:
            progress = [event for event in self.events if isinstance(event, Progressed) and event.job == job]
            return any(event.stage == "separating" and event.fraction > 0 for event in progress)

        await self.until(has_begun)

    async def ended(self, job: str) -> Job:
        await self.until(lambda: any(isinstance(event, Ended) and event.job == job for event in self.events))
        return self._bridge.job(job)

    def cancel(self, job: str) -> None:
        self._bridge.cancel(job)

    async def until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(round(4 * START_SECONDS / POLL_SECONDS)):
            if is_so():
                return
            await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(f"it did not come true: {self.events[-5:]}")


@asynccontextmanager
async def daw_with(farm: Farm, folder: Path) -> AsyncIterator[Daw]:
    settings = load_settings(
        {"SAB_STATE_DIR": str(farm.settings.state_dir), "SAB_CACHE_DIR": str(folder / "cache")},
        {"cluster": farm.address, "port": 0, "no_midi": True, "no_http": True},
    )
    async with open_bridge(settings) as running:
        yield Daw(running, folder)


def codes(job: Job) -> set[str]:
    return {warning.code for warning in job.warnings}


def contents(job: Job) -> dict[str, object]:
    """Name and content of each file of a job; of its manifest, all that is not about this one run."""
    found: dict[str, object] = {path.name: path.read_bytes() for path in Path(job.output_dir).iterdir()}
    manifest = json.loads((Path(job.output_dir) / "song.sab.json").read_text())
    for name in ("job", "started", "seconds", "warnings"):
        manifest.pop(name)
    manifest["request"].pop("out")
    return {**found, "song.sab.json": manifest}


async def test_jobs_go_to_the_farm_and_come_back_and_the_files_are_the_same(farm: Farm, tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.wav", music(20.0))
    async with daw_with(farm, tmp_path / "daw") as daw:
        await daw.computes("here")
        here = await daw.ended(await daw.submit(clip, "here"))
        expected, usual = contents(here), codes(here)

        farm.start_scheduler()
        farm.start_worker("one", shares=False)
        await daw.computes("farm")
        there = await daw.ended(await daw.submit(clip, "there", origin=SCREEN))
        moved = [event for event in daw.events if isinstance(event, HorizonMoved)]
        assert moved and moved[-1].seconds > 0  # its notes were told while they were found
        assert (there.state, codes(there)) == ("done", usual)
        assert (tmp_path / "farm" / "one" / "scratch" / "carried" / "clips").is_dir()
        assert contents(there) == expected
        finding = await farm_finding(daw.settings)
        assert finding.verdict == "ok"
        assert "one (cpu)" in finding.message

        job = await daw.submit(clip, "worker killed")
        await daw.is_separating(job)
        farm.kill("one")
        done = await daw.ended(job)
        assert (done.state, codes(done)) == ("done", usual | {"farm_gone"})
        assert contents(done) == expected

        farm.start_worker("one", shares=False)
        await daw.computes("farm")
        job = await daw.submit(clip, "scheduler killed")
        await daw.is_separating(job)
        farm.kill("scheduler")
        done = await daw.ended(job)
        assert (done.state, codes(done)) == ("done", usual | {"farm_gone"})
        assert contents(done) == expected

        farm.start_scheduler()
        await daw.computes("farm")
        again = await daw.ended(await daw.submit(clip, "again"))
        assert (again.state, codes(again)) == ("done", usual)
        assert contents(again) == expected

        job = await daw.submit(write(tmp_path / "long.wav", music(60.0)), "cancelled")
        await daw.is_separating(job)
        began = time.monotonic()
        daw.cancel(job)
        assert (await daw.ended(job)).state == "cancelled"
        assert time.monotonic() - began < 3.5
        folder = tmp_path / "daw" / "stems" / "cancelled"
        await daw.until(lambda: not folder.exists())
        # The song whose scheduler was killed may lie there, done, for a while: nobody has fetched it.
        songs = tmp_path / "farm" / "one" / "scratch" / "carried" / "songs"
        await daw.until(lambda: not [*songs.glob("*/source/long.wav")])
