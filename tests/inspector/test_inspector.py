"""The inspector process: what it refuses, and how a hanging or crashing inspection ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import BridgeError, NotReadable
from bridge.inspector.__main__ import refusal_of
from bridge.inspector.client import MAX_INSPECTIONS, InspectorClient
from bridge.inspector.messages import Inspect, InspectorSettings
from bridge.request import JobRequest
from tests.support.bench import Bench
from tests.support.far_away import out_of_reach
from tests.support.requests import request_for
from tests.support.sounds import music, write

pytestmark = pytest.mark.end_to_end


@asynccontextmanager
async def inspecting(answer_seconds: float = 60.0) -> AsyncIterator[InspectorClient]:
    inspector = InspectorClient(Settings(), answer_seconds=answer_seconds)
    await inspector.start()
    try:
        yield inspector
    finally:
        await inspector.close()


def request(path: Path) -> JobRequest:
    return JobRequest(source=str(path))


def broken(folder: Path) -> dict[str, dict[str, object]]:
    """Invalid requests, by the code of their refusal."""
    clip, text = write(folder / "clip.wav", music(2.0)), folder / "text.wav"
    text.write_text("I am a text file.")
    return {
        "not_found": {"source": str(folder / "gone.wav")},
        "not_readable": {"source": str(folder)},
        "not_audio": {"source": str(text)},
        "too_long": {"source": str(clip)},
        "bad_arguments": {"source": str(clip), "start_seconds": 99.0},
        "not_writable": {"source": str(clip), "end_seconds": 0.5, "picture": str(folder / "nowhere" / "a.svg")},
    }


@pytest.mark.parametrize(
    "code", ["not_found", "not_readable", "not_audio", "too_long", "bad_arguments", "not_writable"]
)
def test_the_worker_refuses_the_same_requests_with_the_same_messages(tmp_path: Path, code: str) -> None:
    wanted = broken(tmp_path)[code]
    settings = InspectorSettings(models_dir="", max_seconds=1.0)
    refusal = refusal_of(Inspect(token=1, request=request_for(**wanted)), settings)  # type: ignore[arg-type]
    failure = Bench(max_seconds=1.0).run(Path(str(wanted.pop("source"))), **wanted).failure
    assert refusal is not None
    assert failure is not None
    assert (refusal.code, f"{refusal.message} {refusal.advice}".strip()) == (failure.code, failure.message)
    assert refusal.code == code


def test_results_outside_the_roots_are_refused(tmp_path: Path, clip: Path) -> None:
    inside, outside = JobRequest(source=str(clip)), request_for(str(clip), out=str(tmp_path.parent))
    settings = InspectorSettings(models_dir="", max_seconds=60.0, roots=(str(clip.parent),))
    assert refusal_of(Inspect(token=1, request=inside), settings) is None
    refusal = refusal_of(Inspect(token=2, request=outside), settings)
    assert refusal is not None
    assert refusal.code == "outside_roots"


async def test_a_good_file_is_accepted_and_a_bad_one_is_an_error(clip: Path) -> None:
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with pytest.raises(BridgeError, match="is empty") as caught:
            (clip.parent / "empty.wav").touch()
            await inspector.inspect(request(clip.parent / "empty.wav"))
        assert caught.value.code == "not_audio"
        assert caught.value.advice.startswith("Name a WAV")


async def test_an_unresponsive_file_is_refused_and_others_are_inspected_meanwhile(clip: Path) -> None:
    hanging = write(clip.parent / "far away.wav", music(0.1))
    async with inspecting() as inspector:
        with out_of_reach(hanging):
            await inspector.inspect(request(clip))
            inspector._answer_seconds = 0.05
            with pytest.raises(NotReadable, match="does not answer"):
                await inspector.inspect(request(hanging))
            inspector._answer_seconds = 60.0
            await inspector.inspect(request(clip))


async def test_a_process_with_too_many_hanging_inspections_is_replaced(clip: Path) -> None:
    (clip.parent / "far").mkdir()
    hanging = write(clip.parent / "far" / "away.wav", music(0.1))
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        before = inspector.pid
        with out_of_reach(hanging):
            inspector._answer_seconds = 0.05
            inspections = [inspector.inspect(request(hanging), f"sender {number}") for number in range(MAX_INSPECTIONS)]
            ends = await asyncio.gather(*inspections, return_exceptions=True)
            assert NotReadable in {type(end) for end in ends}
            inspector._answer_seconds = 60.0
            await inspector.inspect(request(clip))
        assert inspector.pid not in (before, None)


async def test_a_file_that_crashes_the_process_is_accepted(clip: Path) -> None:
    hanging = write(clip.parent / "far away.wav", music(0.1))
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with out_of_reach(hanging):
            inspection = asyncio.create_task(inspector.inspect(request(hanging)))
            await asyncio.wait({inspection}, timeout=0.2)  # the inspection is running and cannot end by itself
            assert inspector._answers
            assert inspector.pid is not None
            os.kill(inspector.pid, signal.SIGSEGV)
            await asyncio.wait_for(inspection, 30)
        await inspector.inspect(request(clip))


async def test_a_hanging_drive_delays_neither_others_nor_for_long_its_own_folder(clip: Path) -> None:
    (clip.parent / "far away").mkdir()
    album = [write(clip.parent / "far away" / f"{number}.wav", music(0.1)) for number in range(12)]
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with contextlib.ExitStack() as away:
            for song in album:
                away.enter_context(out_of_reach(song))
            inspector._answer_seconds = 1.0
            dropped = [asyncio.create_task(inspector.inspect(request(song), "me")) for song in album]
            await asyncio.sleep(0)  # they are submitted
            inspector._answer_seconds = 60.0
            await inspector.inspect(request(clip), "somebody else")
            assert not all(inspection.done() for inspection in dropped)
            ends = await asyncio.gather(*dropped, return_exceptions=True)
        assert {type(end) for end in ends[:2]} == {NotReadable}
        assert {type(end) for end in ends[2:]} <= {NotReadable, type(None)}, "refused at once, or accepted uninspected"


async def test_closing_accepts_pending_requests(clip: Path) -> None:
    hanging = write(clip.parent / "far away.wav", music(0.1))
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with out_of_reach(hanging):
            inspection = asyncio.create_task(inspector.inspect(request(hanging)))
            await asyncio.wait({inspection}, timeout=0.2)  # the inspection is running and cannot end by itself
            assert inspector._answers
            await inspector.close()
            await asyncio.wait_for(inspection, 30)
