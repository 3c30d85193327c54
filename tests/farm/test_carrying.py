"""Clips that go to a machine by the hash of their content, and results that come back."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.errors import OF_THE_MACHINE, BridgeError, EngineFailed, OutsideRoots
from bridge.events import Analysed, JobEvent, LiveNotes, Preview, Produced, Progressed, Requeued, Started
from bridge.farm.carrying import bench as bench_module
from bridge.farm.carrying import serving, values
from bridge.farm.carrying.bench import Bench
from bridge.farm.carrying.carrier import Carrier, MachineGone
from bridge.farm.carrying.receiving import ReceivingPlace
from bridge.farm.carrying.sending import clip_of, send_clip
from bridge.farm.carrying.values import CarriedFile, Clip
from bridge.farm.values import PLUGIN
from bridge.model import Result
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import manifest_at
from bridge.request import JobRequest
from tests.support.bench import Bench as WorkerBench
from tests.support.fakes import FakeClock
from tests.support.requests import request_for

SONG = "song"


@dataclass
class FakeMachine:
    """A machine of the farm with folders of its own; it vanishes before the call numbered `vanishes_at`."""

    folder: Path
    vanishes_at: int = 10**9
    calls: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    largest_bytes: int = 0
    spoil: Callable[[bytes], bytes] = lambda content: content
    cache: ResultsCache | None = None

    def __post_init__(self) -> None:
        self.bench = Bench(self.folder, cache=self.cache)

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if len(self.calls) >= self.vanishes_at:
            raise OSError("Timed out trying to connect to tls://10.0.0.7:41234")
        self.calls.append(function.__name__)
        plugin = SimpleNamespace(bench=self.bench)
        answer = await function(*arguments, dask_worker=SimpleNamespace(plugins={PLUGIN: plugin}))
        if function is serving.take:
            self.sent_bytes += len(arguments[2])
            self.largest_bytes = max(self.largest_bytes, len(arguments[2]))
        if function is serving.give:
            self.largest_bytes = max(self.largest_bytes, len(answer))
            return self.spoil(answer)
        return answer

    def compute(self, request: JobRequest, clip: Clip) -> tuple[list[JobEvent], tuple[CarriedFile, ...]]:
        """The real pipeline with a fake engine, on what has arrived."""
        worker = WorkerBench(cache=self.cache)
        job = worker.run_request(self.bench.prepare(SONG, request, clip))
        assert job.state == "done", job.failure
        return [event for event in worker.events if not isinstance(event, Progressed)], self.bench.results(SONG)  # type: ignore[misc]


@dataclass
class Carried:
    """What has come of a job that was carried."""

    events: list[JobEvent]
    error: BridgeError | None = None


async def carried(
    machine: FakeMachine,
    request: JobRequest,
    roots: tuple[Path, ...] = (),
    job: str = "a",
    cache: ResultsCache | None = None,
) -> Carried:
    told: list[JobEvent] = []
    try:
        async with Carrier(job, request, ReceivingPlace(roots, cache), told.append) as carrier:
            clip = await carrier.send(machine)
            events, results = await asyncio.to_thread(machine.compute, request, clip)
            for event in events:
                if (here := carrier.told(event)) is not None:
                    assert not isinstance(here, LiveNotes)
                    told.append(here)
            await carrier.receive(machine, SONG, events, results)
            await asyncio.sleep(0)
    except BridgeError as error:
        await asyncio.sleep(0)
        return Carried(told, error)
    return Carried(told)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def output_dir(events: list[JobEvent]) -> Path:
    return Path([event for event in events if isinstance(event, Started)][-1].output_dir)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stems": ("bass",), "midi": ("bass", "drums"), "picture": "", "chords": "file", "score": True},
        {"format": "flac"},
        {"kit": True, "dawproject": True},
        {"transcribe_as": "bass"},
    ],
    ids=["usual", "notes", "flac", "project", "transcribed"],
)
async def test_the_files_are_those_of_this_machine_byte_for_byte(
    clip: Path, tmp_path: Path, options: dict[str, object]
) -> None:
    os.utime(clip, (1_000_000_000, 1_000_000_000))  # the stems' time stamps tell of it
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    own = WorkerBench().run_request(request_for(clip, out=str(here / "song"), **options))
    expected = content(here / "song")
    shutil.rmtree(here / "song")
    found = await carried(FakeMachine(there), request_for(clip, out=str(here / "song"), **options))
    assert found.error is None
    assert content(here / "song") == expected
    told = [event for event in found.events if isinstance(event, Produced)]
    assert [event.result for event in told] == list(own.results)
    assert all(Path(event.result.path).is_file() for event in told)
    kinds = [type(event) for event in found.events]
    assert kinds[0] is Started
    assert kinds.count(Analysed) == (1 if any(result.kind == "midi" for result in own.results) else 0)


async def test_a_clip_is_sent_once_and_a_chunk_at_a_time(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (bench_module, values):
        monkeypatch.setattr(module, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr("bridge.farm.carrying.sending.CHUNK_BYTES", 10_000)
    machine = FakeMachine(tmp_path / "there")
    for name in ("one", "two"):
        found = await carried(machine, request_for(clip, out=str(tmp_path / name)))
        assert found.error is None
    assert machine.sent_bytes == clip.stat().st_size
    assert machine.largest_bytes == 10_000
    assert content(tmp_path / "one").keys() == content(tmp_path / "two").keys()


async def test_a_clip_that_was_cut_off_on_its_way_is_continued(clip: Path, tmp_path: Path) -> None:
    machine, sent = FakeMachine(tmp_path / "there"), clip_of(clip)
    machine.bench.wants(sent)
    machine.bench.take(sent, 0, clip.read_bytes()[:100_000])
    await send_clip(machine, sent, clip)
    assert machine.bench.has(sent)
    assert machine.sent_bytes == clip.stat().st_size - 100_000


async def test_a_machine_that_vanishes_at_any_call_leaves_nothing_here(clip: Path, tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path / "whole")
    assert (await carried(machine, request_for(clip, out=str(tmp_path / "out" / "whole")))).error is None
    last = len(machine.calls)
    assert last > 5
    for at in range(last):
        found = await carried(
            FakeMachine(tmp_path / f"there{at}", vanishes_at=at), request_for(clip, out=str(tmp_path / "out" / f"{at}"))
        )
        assert isinstance(found.error, EngineFailed)
        assert not [event for event in found.events if isinstance(event, Produced)]
        assert not (tmp_path / "out" / f"{at}").exists()


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: bytes(len(content)), lambda _: b""])
async def test_results_that_are_damaged_on_their_way_are_refused(
    clip: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    found = await carried(FakeMachine(tmp_path / "there", spoil=spoil), request_for(clip, out=str(tmp_path / "out")))
    assert isinstance(found.error, EngineFailed)
    assert not (tmp_path / "out").exists()


async def test_an_equal_job_finds_its_folder_again(clip: Path, tmp_path: Path) -> None:
    machine, request = FakeMachine(tmp_path / "there"), request_for(clip)
    first = await carried(machine, request, job="first")
    folder = output_dir(first.events)
    before = content(folder)
    stem = next(folder.glob("*.wav"))
    stem.unlink()
    again = await carried(machine, request, job="second")
    assert output_dir(again.events) == folder
    assert content(folder) == before
    assert len([event for event in again.events if isinstance(event, Produced)]) == len(before) - 1
    stem.write_bytes(b"the user's own")
    third = await carried(machine, request, job="third")
    assert output_dir(third.events) == folder.with_name(f"{folder.name} 2")
    assert stem.read_bytes() == b"the user's own"


@pytest.mark.parametrize("arrives", [True, False])
async def test_the_analyses_come_too_so_that_notes_can_be_read_in_another_way(
    clip: Path, tmp_path: Path, arrives: bool
) -> None:
    there, here = (ResultsCache(tmp_path / name, 10**9, FakeClock()) for name in ("there", "here"))
    machine = FakeMachine(tmp_path / "scratch", cache=there)
    if not arrives:
        analysed = machine.bench.give

        def give(job: str, place: Any, file: str, start: int) -> bytes:
            return b"" if place == "analyses" else analysed(job, place, file, start)

        machine.bench.give = give  # type: ignore[method-assign]
    found = await carried(machine, request_for(clip, out=str(tmp_path / "out")), cache=here)
    assert found.error is None  # the job is done without them
    keys = {*manifest_at(tmp_path / "out").analyses.values()}
    assert keys
    for key in keys:
        assert there.analysis(key) is not None
        assert here.analysis(key) == (there.analysis(key) if arrives else None)
    assert not [*(tmp_path / "out").glob(".*")]


async def test_a_song_s_analyses_are_stored_at_once(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time, a cache is looked through for room: with a thousand songs in it, that takes a third of a second."""
    there, here = (ResultsCache(tmp_path / name, 10**9, FakeClock()) for name in ("there", "here"))
    machine = FakeMachine(tmp_path / "scratch", cache=there)
    stored = []
    monkeypatch.setattr(here, "store_analyses", lambda *given: stored.append({*given[-1]}))
    await carried(machine, request_for(clip, out=str(tmp_path / "out")), cache=here)
    assert stored == [{*manifest_at(tmp_path / "out").analyses.values()}]
    assert len(stored[0]) > 1


async def test_a_picture_goes_where_the_user_wants_it(clip: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "pictures" / "notes.svg"
    wanted.parent.mkdir()
    wanted.write_text("another one")
    request = request_for(clip, out=str(tmp_path / "out"), picture=str(wanted))
    found = await carried(FakeMachine(tmp_path / "there"), request)
    assert found.error is None
    assert wanted.read_text() == "another one"
    assert "<svg" in (wanted.parent / "notes 2.svg").read_text()


@pytest.mark.parametrize(
    "name", ["../../escaped.wav", "/etc/passwd", "..", ".hidden", "song (Vocals).exe", "a\0b", "other (Bass).wav"]
)
async def test_a_result_of_another_name_is_refused(clip: Path, tmp_path: Path, name: str) -> None:
    machine, request = FakeMachine(tmp_path / "there"), request_for(clip, out=str(tmp_path / "out"))
    async with Carrier("a", request, ReceivingPlace(), lambda _: None) as carrier:
        sent = await carrier.send(machine)
        events, results = await asyncio.to_thread(machine.compute, request, sent)
        first = next(event for event in events if isinstance(event, Produced))
        evil: Result = replace(first.result, file=name)
        told = [replace(first, result=evil) if event is first else event for event in events]
        files_ = [replace(file, file=name) if file.file == first.result.file else file for file in results]
        with pytest.raises(EngineFailed):
            await carrier.receive(machine, SONG, told, files_)
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.wav", "there"]


async def test_results_stay_inside_the_roots(clip: Path, tmp_path: Path) -> None:
    found = await carried(
        FakeMachine(tmp_path / "there"), request_for(clip, out="/nowhere/else"), roots=(clip.parent / "music",)
    )
    assert isinstance(found.error, OutsideRoots)


async def test_a_cancelled_job_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    machine, request = FakeMachine(tmp_path / "there"), request_for(clip, out=str(tmp_path / "out"))
    reached = asyncio.Event()

    async def hang(function: Callable[..., Any], *arguments: Any) -> Any:
        if function is serving.give and machine.calls.count("give") > 2:
            reached.set()
            await asyncio.Event().wait()
        return await FakeMachine.call(machine, function, *arguments)

    hanging: Any = SimpleNamespace(call=hang)

    async def job() -> None:
        async with Carrier("a", request, ReceivingPlace(), lambda _: None) as carrier:
            sent = await carrier.send(hanging)
            events, results = await asyncio.to_thread(machine.compute, request, sent)
            await carrier.receive(hanging, SONG, events, results)

    task = asyncio.create_task(job())
    await asyncio.wait_for(reached.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 3)
    assert not (tmp_path / "out").exists()


def test_live_notes_come_without_files_of_another_machine(clip: Path) -> None:
    notes = LiveNotes(
        job=SONG,
        parts={"bass": ()},
        until_seconds=1.0,
        heard_seconds=1.0,
        clip_seconds=2.0,
        tempo_bpm=120.0,
        previews=(Preview(stem="bass", path="/there/bass.wav", sample_rate_hz=44100, channels=2),),
    )

    async def told() -> object:
        return Carrier("a", request_for(clip), ReceivingPlace(), lambda _: None).told(notes)

    assert asyncio.run(told()) == replace(notes, job="a", previews=())


async def test_a_machine_without_room_is_no_fault_of_the_song(clip: Path, tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path / "there")
    machine.bench = Bench(tmp_path / "small", max_clips_bytes=10)
    found = await carried(machine, request_for(clip, out=str(tmp_path / "out")))
    assert isinstance(found.error, MachineGone)
    assert not (tmp_path / "out").exists()


async def test_a_job_whose_process_died_over_there_after_its_first_file_comes_whole(clip: Path, tmp_path: Path) -> None:
    machine, request = FakeMachine(tmp_path / "there"), request_for(clip, out=str(tmp_path / "out"))
    told: list[JobEvent] = []
    async with Carrier("a", request, ReceivingPlace(), told.append) as carrier:
        sent = await carrier.send(machine)
        events, results = await asyncio.to_thread(machine.compute, request, sent)
        first = [event for event in events if isinstance(event, Produced)][:2]
        await carrier.receive(machine, SONG, [*first, Requeued(job=SONG, reason="it died"), *events], results)
        await asyncio.sleep(0)
    files_ = [event.result.file for event in told if isinstance(event, Produced)]
    assert files_ == [event.result.file for event in events if isinstance(event, Produced)]
    assert {*files_} < {*content(tmp_path / "out")}


@pytest.mark.parametrize("name", ["AC\\DC.wav", "what?.wav", " two  spaces .wav"])
async def test_a_clip_with_a_name_that_is_a_path_elsewhere_is_carried_too(
    clip: Path, tmp_path: Path, name: str
) -> None:
    odd, out, options = clip.rename(tmp_path / name), tmp_path / "out", {"midi": ("bass",), "dawproject": True}
    assert WorkerBench().run_request(request_for(odd, out=str(out), **options)).state == "done"
    expected = content(out)
    shutil.rmtree(out)
    found = await carried(FakeMachine(tmp_path / "there"), request_for(odd, out=str(out), **options))
    assert found.error is None
    assert content(out).keys() == expected.keys()
    assert "\\" in name or content(out) == expected  # the stems tell the name of their clip


async def test_a_hidden_clip_is_left_to_the_machine_that_has_it(clip: Path, tmp_path: Path) -> None:
    hidden = clip.rename(tmp_path / ".hidden.wav")
    found = await carried(FakeMachine(tmp_path / "there"), request_for(hidden, out=str(tmp_path / "out")))
    assert found.error is not None and found.error.code in OF_THE_MACHINE
    assert not (tmp_path / "out").exists()
