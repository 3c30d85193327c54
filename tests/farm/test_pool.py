"""A machine's songs: what it checks, computes, joins, cancels and gives back, with computers that only pretend."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bridge.errors import EngineFailed, ProtocolMismatch
from bridge.events import Ended, Produced, Started
from bridge.farm import finished, pool
from bridge.farm.carrying.bench import Bench
from bridge.farm.finished import finished_song, is_computed_now
from bridge.farm.paths import Mount, PathMap
from bridge.farm.pool import Pool, Shared
from bridge.farm.task import SongEvent, TaskOutcome, decode_outcome, decode_told, encode, record_of, song_id
from bridge.model import Result
from bridge.pipeline.folders.claim import claim_file_name, claim_names
from bridge.request import EngineChoice, GroupChoice, JobRequest, NoteFiles, OutputPlace, PlayRequest, Region
from bridge.system.directory import Directory
from tests.support.fake_farm import FakeFarm
from tests.support.fakes import FakeClock
from tests.support.farm import until_so

NOW = 1_700_000_000.0


class Machine:
    """A pool of one pretended computer, and a folder that it shares."""

    def __init__(self, folder: Path, mounts: tuple[Mount, ...] = ()) -> None:
        self.music = folder / "music"
        self.music.mkdir()
        self.clip = self.music / "song.wav"
        self.clip.write_bytes(b"RIFF")
        self.computer = FakeFarm(slots=1)
        self.told: list[SongEvent] = []
        shared = Shared((self.music,), PathMap(mounts))
        self.pool = Pool([self.computer], shared, FakeClock(), Bench(folder / "bench"))
        self.pool.address = "tls://here:1"

    def record(self, request: JobRequest | None = None, **changes: object) -> bytes:
        made = record_of(JobRequest(source=str(self.clip)) if request is None else request, "topic")
        return encode(replace(made, **changes))

    def tell(self, topic: str, message: bytes) -> None:
        assert topic == "topic"
        self.told.append(decode_told(message))

    async def compute(self, record: bytes) -> TaskOutcome:
        return decode_outcome(await self.pool.compute(record, self.tell))

    def start(self, record: bytes) -> asyncio.Task[TaskOutcome]:
        return asyncio.create_task(self.compute(record))

    async def given(self) -> str:
        """The song that the computer has."""
        await until_so(lambda: bool(self.computer.songs))
        (song,) = self.computer.songs
        return song


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def end_of(outcome: TaskOutcome) -> Ended:
    assert isinstance(outcome.events[-1], Ended)
    return outcome.events[-1]


def done(song: str) -> Ended:
    return Ended(job=song, outcome="done", unix_seconds=NOW)


async def test_what_happens_is_told_and_returned(machine: Machine) -> None:
    running = machine.start(machine.record())
    song = await machine.given()
    assert machine.pool.running == 1
    started = Started(job=song, engine="draft", device="cpu", output_dir=str(machine.music / "stems"))
    machine.computer.songs[song].tell(started)
    machine.computer.songs[song].end.set_result(done(song))
    outcome = await running
    assert outcome.events == (started, done(song))
    assert [(event.index, event.event, event.attempt) for event in machine.told] == [(0, started, outcome.attempt)]
    assert machine.pool.running == 0


async def test_two_tasks_for_one_song_are_one_song(machine: Machine) -> None:
    first, second = machine.start(machine.record()), machine.start(machine.record())
    song = await machine.given()
    machine.computer.songs[song].end.set_result(done(song))
    assert await first == await second
    assert machine.computer.given == [song]


async def test_a_cancelled_song_ends_for_everybody_who_asked(machine: Machine) -> None:
    running = machine.start(machine.record())
    song = await machine.given()
    await machine.pool.cancel(song)
    assert end_of(await running).outcome == "cancelled"
    assert machine.computer.songs == {} and machine.pool.running == 0


async def test_a_task_that_dask_takes_back_ends_its_song(machine: Machine) -> None:
    running = machine.start(machine.record())
    await machine.given()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert machine.computer.songs == {} and machine.pool.running == 0


async def test_a_machine_on_which_nothing_computes_says_so_and_gives_the_song_back(machine: Machine) -> None:
    running = machine.start(machine.record())
    await machine.given()
    machine.computer.vanish()
    with pytest.raises(EngineFailed):
        await running
    assert machine.pool.problem


@pytest.mark.parametrize("where", ["source", "results", "picture"])
async def test_a_song_that_does_not_lie_in_what_is_shared_is_carried(machine: Machine, where: str) -> None:
    elsewhere = machine.music.parent / "elsewhere"
    elsewhere.mkdir()
    request = JobRequest(source=str(machine.clip))
    if where == "source":
        request = replace(request, source=str(elsewhere / "song.wav"))
        (elsewhere / "song.wav").write_bytes(b"RIFF")
    elif where == "results":
        request = replace(request, place=OutputPlace(folder=str(elsewhere)))
    else:
        request = replace(request, note_files=NoteFiles(picture=str(elsewhere / "song.svg")))
    outcome = await machine.compute(machine.record(request))
    assert (outcome.events, outcome.machine) == ((), "tls://here:1")  # it asks for the clip
    assert machine.computer.given == []


async def test_another_version_is_refused_in_one_line(machine: Machine) -> None:
    end = end_of(await machine.compute(machine.record(version="0.0.1")))
    assert end.failure is not None and end.failure.code == "protocol" and "0.0.1" in end.failure.message
    assert machine.computer.given == []


async def test_values_that_do_not_fit_together_are_refused(machine: Machine) -> None:
    backwards = JobRequest(source=str(machine.clip), region=Region(start_seconds=2.0, end_seconds=1.0))
    end = end_of(await machine.compute(machine.record(backwards)))
    assert end.failure is not None and end.failure.code == "bad_arguments"


async def test_another_file_of_that_name_is_not_taken_for_the_song(machine: Machine) -> None:
    end = end_of(await machine.compute(machine.record(source_bytes=5)))
    assert end.failure is not None and end.failure.code == "not_readable" and "--map" in end.failure.message


@pytest.mark.parametrize("change", [{"source": "/etc/passwd"}, {"place": OutputPlace(folder="/etc")}])
async def test_what_is_not_shared_is_asked_for_and_not_touched(machine: Machine, change: dict[str, object]) -> None:
    request = replace(JobRequest(source=str(machine.clip)), **change)
    outcome = await machine.compute(machine.record(request))
    assert (outcome.events, outcome.machine) == ((), "tls://here:1")
    assert machine.computer.given == []


async def test_a_link_out_of_what_is_shared_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"RIFF")
    link = machine.music / "link.wav"
    link.symlink_to(secret)
    outcome = await machine.compute(machine.record(JobRequest(source=str(link))))
    assert (outcome.events, outcome.machine) == ((), "tls://here:1")


@pytest.mark.parametrize("job", ["../../outside", "", "UPPER", "a" * 200, "a/b", ".hidden"])
async def test_a_songs_id_is_letters(machine: Machine, job: str) -> None:
    with pytest.raises(ProtocolMismatch):
        await machine.compute(machine.record(job=job))


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x80", msgspec.msgpack.encode({"job": "abcdefgh"})])
async def test_what_is_no_record_is_refused(machine: Machine, content: bytes) -> None:
    with pytest.raises(ProtocolMismatch, match="cannot read"):
        await machine.compute(content)


async def test_paths_are_those_of_the_machine_here_and_of_the_one_that_asks_there(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "song.wav").write_bytes(b"RIFF")
    machine = Machine(tmp_path, (Mount(str(there), str(tmp_path / "music")),))
    running = machine.start(machine.record(JobRequest(source=str(there / "song.wav"))))
    song = await machine.given()
    assert machine.computer.songs[song].request.source == str(machine.clip)
    result = Result(kind="stem", name="bass", folder=str(machine.music / "stems"), file="b.wav", seconds=1.0)
    machine.computer.songs[song].tell(Produced(job=song, result=result))
    machine.computer.songs[song].end.set_result(done(song))
    (made, _) = (await running).events
    assert isinstance(made, Produced) and made.result.folder == str(there / "stems")


async def test_a_song_waits_until_the_process_of_a_dead_machine_has_let_it_go(machine: Machine) -> None:
    record = record_of(JobRequest(source=str(machine.clip)), "topic")
    place = machine.music / "stems" / "song"
    place.mkdir(parents=True)
    with Directory(place) as directory:
        claim = claim_names(directory, "song")
        assert claim is not None
        claim.record(record.job, ())
        assert is_computed_now(record.job, record.request)
        assert not is_computed_now("anotherjobhere", record.request)
        running = machine.start(encode(record))
        await asyncio.wait({running}, timeout=0.5)
        assert machine.computer.given == []
        claim.release()
    song = await machine.given()
    machine.computer.songs[song].end.set_result(done(song))
    assert end_of(await running).outcome == "done"


def test_what_a_dead_attempt_has_left_is_removed_and_nothing_of_others(machine: Machine) -> None:
    record = record_of(JobRequest(source=str(machine.clip)), "topic")
    place = machine.music / "stems" / "song"
    place.mkdir(parents=True)
    left = place / claim_file_name("song")
    left.write_bytes(msgspec.json.encode({"job": record.job, "created": []}))
    (place / f".{record.job}.song.wav.partial").write_bytes(b"half")
    (place / ".anotherjob.song.wav.partial").write_bytes(b"half")
    assert finished_song(record.job, record.request, NOW) == ((), None)
    assert [path.name for path in place.iterdir()] == [".anotherjob.song.wav.partial"]


def change_of(request: JobRequest) -> list[Callable[[], JobRequest]]:
    return [
        lambda: replace(request, engine=EngineChoice(name="good")),
        lambda: replace(request, source="/other.wav"),
        lambda: replace(request, place=OutputPlace(folder="/out")),
    ]


def test_a_songs_id_is_of_all_that_changes_its_files_and_of_nothing_else() -> None:
    request = JobRequest(source="/song.wav")
    own = song_id(request, 10, 20)
    same = replace(request, play=PlayRequest(when_done=True, sync="jack"), group=GroupChoice(name="takes", clips=3))
    assert song_id(same, 10, 20) == own
    others = {song_id(made(), 10, 20) for made in change_of(request)} | {
        song_id(request, 11, 20),
        song_id(request, 10, 21),
    }
    assert len(others) == 5 and own not in others
    assert own.isalpha() and own.islower() and len(own) == 14


async def test_a_shared_drive_that_does_not_answer_is_told_of(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(pool, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(pool, "check_roots", lambda *_: answers.wait(20))
    try:
        end = end_of(await machine.compute(machine.record()))
    finally:
        answers.set()
    assert end.failure is not None and end.failure.code == "not_readable" and str(machine.clip) in end.failure.message


async def test_a_folder_of_results_that_cannot_be_looked_at_is_told_of(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (machine.music / "stems" / "song").mkdir(parents=True)
    monkeypatch.setattr(finished, "Directory", refuse)
    end = end_of(await machine.compute(machine.record()))
    assert end.failure is not None and end.failure.code == "not_writable"
    assert str(machine.music / "stems" / "song") in end.failure.message


def test_a_folder_that_the_drive_does_not_tell_of_does_not_count_as_missing(machine: Machine) -> None:
    """The song of a predecessor may lie in it, or be in work."""
    request = JobRequest(source=str(machine.clip), place=OutputPlace(folder=str(machine.music / ("a" * 300))))
    job = record_of(request, "topic").job
    with pytest.raises(OSError, match="too long"):
        is_computed_now(job, request)
    with pytest.raises(OSError, match="too long"):
        finished_song(job, request, NOW)
