"""A farm with real processes: a scheduler, workers with their own folders, a bridge that gives them songs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.errors import BadArguments, EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes, Produced, Progressed, Requeued, Started
from bridge.farm.client import FarmComputer
from bridge.farm.connection import MOST_DEATHS
from tests.reliability.farm import make_songs, request_of, survive
from tests.reliability.output_files import left_over
from tests.support.farm import Farm, until
from tests.support.programs import children, command_line
from tests.support.sounds import music, write

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(400)]

Heard = list[JobEvent | LiveNotes]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with Farm(tmp_path / "farm") as made:
        yield made


async def opened(farm: Farm, machines: int = 1, **how: float) -> FarmComputer:
    """A bridge's farm, once it has as many machines."""
    computer = await farm.open(**how)
    await until(computer, lambda: len(computer.state().machines) == machines)
    return computer


def separating(farm: Farm, name: str) -> int:
    """The process of a worker that computes."""
    return next(pid for pid in children(farm.pid(name)) if "bridge.worker" in command_line(pid))


async def test_machines_die_join_and_come_back_and_every_song_has_one_result(farm: Farm) -> None:
    songs = make_songs(farm.music, 24, 0.5, 1.0)
    outcome = await survive(farm, songs)
    assert outcome.faults == ()
    assert dict(outcome.outcomes) == {"done": 24}, "\n".join(map(farm.log, ("scheduler", "one", "two", "three")))


async def test_a_song_is_told_of_as_by_this_machines_worker_and_not_computed_twice(farm: Farm) -> None:
    song = write(farm.music / "song.wav", music(1.0))
    farm.start_scheduler()
    farm.start_worker("one")
    computer = await opened(farm)
    first, second, heard = Heard(), Heard(), Heard()
    try:
        together = await asyncio.gather(
            computer.compute("firstjob", request_of(song), first.append),
            computer.compute("otherjob", request_of(song), second.append),
        )
        later = await computer.compute("laterjob", request_of(song), heard.append)
    finally:
        await computer.close()
    assert [(end.job, end.outcome) for end in together] == [("firstjob", "done"), ("otherjob", "done")]
    assert any(isinstance(event, Started) for event in first)
    assert {event.job for event in first} == {"firstjob"}
    files = [[event.result.path for event in story if isinstance(event, Produced)] for story in (first, second, heard)]
    assert files[0] and files[0] == files[1] and sorted(files[0]) == sorted(files[2])
    assert later.outcome == "done"
    assert [path.name for path in (farm.music / "stems").iterdir()] == ["song"]


async def test_a_cancelled_song_is_over_within_3_seconds_and_leaves_nothing(farm: Farm) -> None:
    song = write(farm.music / "long.wav", music(90.0))
    farm.start_scheduler()
    farm.start_worker("one")
    computer = await opened(farm)
    try:
        begun = asyncio.Event()
        job = asyncio.create_task(computer.compute("longjob", request_of(song), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 60)
        asked = time.monotonic()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert time.monotonic() - asked < 3.5
        await until(computer, lambda: computer.state().machines[0].running == 0)
    finally:
        await computer.close()
    assert not (farm.music / "stems").exists()


async def test_a_song_that_kills_its_process_fails_alone(farm: Farm) -> None:
    poisoned = write(farm.music / "poisoned.wav", music(120.0))
    good = write(farm.music / "good.wav", music(0.5))
    farm.start_scheduler()
    farm.start_worker("one")
    computer = await opened(farm)
    heard = Heard()

    def kill(event: JobEvent | LiveNotes) -> None:
        heard.append(event)
        if isinstance(event, Started):
            os.kill(separating(farm, "one"), signal.SIGKILL)

    try:
        bad, other = await asyncio.gather(
            computer.compute("badjob", request_of(poisoned), kill),
            computer.compute("goodjob", request_of(good), lambda _: None),
        )
    finally:
        await computer.close()
    assert bad.outcome == "failed" and bad.failure is not None and bad.failure.code == "engine_failed"
    assert any(isinstance(event, Requeued) for event in heard)
    assert isinstance(other, Ended) and other.outcome == "done"
    assert [path.name for path in (farm.music / "stems").iterdir()] == ["good"]


@pytest.mark.parametrize("shares", [True, False], ids=["shared", "carried"])
async def test_a_song_that_takes_whole_machines_with_it_fails_after_three(
    farm: Farm, tmp_path: Path, shares: bool
) -> None:
    """Each dies as the only one, and the next joins afterwards."""
    song = write((farm.music if shares else tmp_path) / "poisoned.wav", music(120.0))
    names = iter(("one", "two", "three", "four"))
    dead: list[str] = []
    is_begun = False  # a run says several times that it has started
    farm.start_scheduler()
    alive = next(names)
    farm.start_worker(alive, shares=shares)
    computer = await opened(farm)

    def kill(event: JobEvent | LiveNotes) -> None:
        nonlocal alive, is_begun
        if isinstance(event, Requeued):
            is_begun = False
        if isinstance(event, Progressed) and not is_begun:
            is_begun = True
            dead.append(alive)
            farm.kill(alive)
            alive = next(names)
            farm.start_worker(alive, shares=shares)

    try:
        end = await computer.compute("badjob", request_of(song), kill)
    finally:
        await computer.close()
    assert end.failure is not None and (end.failure.code, len(dead)) == ("engine_failed", MOST_DEATHS)


async def test_a_song_that_no_machine_can_do_for_its_device_is_given_back_and_others_are_not(farm: Farm) -> None:
    song = write(farm.music / "song.wav", music(0.5))
    request = request_of(song)
    farm.start_scheduler()
    farm.start_worker("one", "--cpu")
    computer = await opened(farm, patience_seconds=1.0)
    try:
        with pytest.raises(EngineFailed, match="graphics processor"):
            on_gpu = replace(request, engine=replace(request.engine, device="cuda"))
            await asyncio.wait_for(computer.compute("gpujob", on_gpu, lambda _: None), 30)
        assert (await computer.compute("anyjob", request, lambda _: None)).outcome == "done"
    finally:
        await computer.close()


async def test_a_machine_that_leaves_gives_its_song_to_another(farm: Farm) -> None:
    song = write(farm.music / "long.wav", music(60.0))
    farm.start_scheduler()
    for name in ("one", "two"):
        farm.start_worker(name)
    computer = await opened(farm, machines=2)
    heard = Heard()
    try:
        job = asyncio.create_task(computer.compute("longjob", request_of(song), heard.append))
        await until(computer, lambda: any(machine.running for machine in computer.state().machines) and bool(heard))
        (busy,) = [machine.name for machine in computer.state().machines if machine.running]
        assert farm.end(busy) == 0
        assert (await job).outcome == "done"
    finally:
        await computer.close()
    assert any(isinstance(event, Requeued) for event in heard)
    files = [Path(event.result.path) for event in heard if isinstance(event, Produced)]
    assert [*left_over(farm.music / "stems", files, ())] == []
    assert [path.name for path in (farm.music / "stems").iterdir()] == ["long"]


async def test_a_farm_that_has_gone_gives_its_songs_back_and_takes_them_again(farm: Farm) -> None:
    song = write(farm.music / "long.wav", music(90.0))
    short = write(farm.music / "short.wav", music(0.5))
    farm.start_scheduler()
    farm.start_worker("one")
    computer = await opened(farm, patience_seconds=2.0)
    changed = asyncio.Event()
    computer.watch(changed.set)
    try:
        begun = asyncio.Event()
        job = asyncio.create_task(computer.compute("longjob", request_of(song), lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 60)
        farm.kill("scheduler")
        with pytest.raises(EngineFailed, match="cannot be reached"):
            await asyncio.wait_for(job, 30)
        assert changed.is_set() and computer.slots == 0
        await until(computer, lambda: not (farm.music / "stems").exists())
        farm.start_scheduler()
        await until(computer, lambda: computer.slots > 0)
        assert (await computer.compute("longjob", request_of(short), lambda _: None)).outcome == "done"
    finally:
        await computer.close()


async def test_a_machine_that_shares_nothing_gets_the_clip_and_its_results_come_back(
    farm: Farm, tmp_path: Path
) -> None:
    song = write(tmp_path / "private.wav", music(0.5))
    farm.start_scheduler()
    farm.start_worker("one", shares=False)
    computer = await opened(farm)
    heard = Heard()
    try:
        end = await computer.compute("privatejob", request_of(song), heard.append)
    finally:
        await computer.close()
    assert end.outcome == "done"
    files = [Path(event.result.path) for event in heard if isinstance(event, Produced)]
    results = tmp_path / "stems" / "private"
    assert {path.parent for path in files} == {results} and all(path.is_file() for path in files)
    assert [*left_over(results, files, ())] == []


async def test_a_machine_that_cannot_join_says_once_why_and_what_to_do(farm: Farm) -> None:
    farm.start_scheduler()
    farm.start_worker("one")
    computer = await opened(farm)
    try:
        farm.start_worker("two", "--name", "one")
        farm.start_worker("three", "--port", farm.address.rpartition(":")[2])
        await until(computer, lambda: "--name" in farm.log("two") and "cannot listen" in farm.log("three"))
        assert [machine.name for machine in computer.state().machines] == ["one"]
    finally:
        await computer.close()


async def test_nobody_without_the_certificates_is_answered(farm: Farm, tmp_path: Path) -> None:
    farm.start_scheduler()
    computer = await farm.open()
    try:
        await until(computer, lambda: computer.state().is_reachable)
    finally:
        await computer.close()
    host, port = farm.address.removeprefix("tls://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), 5) as plain, suppress(ConnectionError):
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = plain.recv(100)
    assert received[:1] in (b"", b"\x15")  # nothing, or an alert of TLS
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    answer = b""
    with (  # TLS 1.3 tells of the missing certificate with the first answer
        suppress(ssl.SSLError, ConnectionError),
        socket.create_connection((host, int(port)), 5) as raw,
        stranger.wrap_socket(raw) as shown,
    ):
        answer = shown.recv(100)
    assert answer == b""
    with Farm(tmp_path / "others") as others:
        foreign = await FarmComputer.open(farm.address, others.settings)
        try:
            assert not foreign.state().is_reachable
        finally:
            await foreign.close()
    with pytest.raises(BadArguments, match="not encrypted"):
        await FarmComputer.open(farm.address.replace("tls", "tcp"), farm.settings)
