"""A real server, over real UDP."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import BridgeError
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from bridge.smf.reading import count_notes
from bridge.worker import allocator
from tests.support.encoded import encode
from tests.support.far_away import out_of_reach
from tests.support.loopback import free_port
from tests.support.programs import Server, has_ended, is_alive, sab, serving
from tests.support.sounds import level_dbfs, music, read, write

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--engine", "draft", "--no-midi") as running:
        yield running


@pytest.fixture
async def client(server: Server) -> AsyncIterator[OscClient]:
    async with open_client(server.host, server.port) as connected:
        await connected.ask("/sab/subscribe", 1)
        yield connected


async def submit(client: OscClient, path: Path, *options: str | float) -> str:
    (accepted,) = await client.ask("/sab/submit", str(path), *options)
    return str(accepted.arguments[1])


async def until_finished(client: OscClient, job: str) -> list[Message]:
    """All pushes about a job, up to its last."""
    pushes: list[Message] = []
    while True:
        push = await asyncio.wait_for(client.next_push(), 60)
        if job in push.arguments:
            pushes.append(push)
            if push.address == "/sab/finished":
                return pushes


async def test_a_clip_becomes_stems_and_notes(client: OscClient, clip: Path) -> None:
    job = await submit(client, clip, "depth", "32f", "tempo", 120.0, "start", 0.5)
    pushes = await until_finished(client, job)

    stages = list(dict.fromkeys(push.arguments[1] for push in pushes if push.address == "/sab/progress"))
    assert stages == ["queued", "loading", "separating", "transcribing", "writing"]
    fractions = [push.arguments[2] for push in pushes if push.address == "/sab/progress"]
    assert fractions == sorted(fractions)  # type: ignore[type-var]
    assert pushes[-1].arguments == (job, "done", 9, str(clip.parent / "stems" / "clip"))

    results = [push.arguments for push in pushes if push.address == "/sab/result"]
    assert [result[1] for result in results] == ["stem"] * 4 + ["midi"] * 5
    assert results[-1][2] == "all"
    stems = [read(Path(str(result[3]))) for result in results[:4]]
    region = read(clip)[22_050:]
    assert {stem.shape for stem in stems} == {region.shape}
    assert level_dbfs(np.sum(stems, axis=0) - region) <= -90
    assert sum(count_notes(Path(str(result[3]))) for result in results[4:8]) > 0
    assert {result[5] for result in results} == {44_100, 0}

    (listed, *files) = await client.ask("/sab/query", job)
    assert listed.arguments == (job, "done", 1.0, "clip")
    assert [file.arguments for file in files] == results


async def test_a_stem_and_its_opposite_are_the_clip(client: OscClient, clip: Path) -> None:
    pushes = await until_finished(client, await submit(client, clip, "stems", "vocals,instrumental", "depth", "16"))
    results = [push.arguments for push in pushes if push.address == "/sab/result"]
    assert [result[1:3] for result in results] == [("stem", "vocals"), ("stem", "instrumental"), ("midi", "vocals")]
    stems = [read(Path(str(result[3]))) for result in results[:2]]
    assert level_dbfs(np.sum(stems, axis=0) - read(clip)) < -90
    with pytest.raises(BridgeError, match="midi takes single stems"):
        await submit(client, clip, "midi", "instrumental")


async def test_a_job_with_other_settings_never_overwrites_the_first(client: OscClient, clip: Path) -> None:
    first = await until_finished(client, await submit(client, clip, "midi", "none", "stems", "bass"))
    second = await until_finished(client, await submit(client, clip, "midi", "none", "stems", "bass", "depth", "24"))
    assert first[-1].arguments[3] == str(clip.parent / "stems" / "clip")
    assert second[-1].arguments[3] == str(clip.parent / "stems" / "clip 2")


async def test_the_same_job_again_returns_the_existing_files(client: OscClient, clip: Path) -> None:
    first = await until_finished(client, await submit(client, clip))
    written = {path: path.stat().st_mtime_ns for path in (clip.parent / "stems" / "clip").iterdir()}
    again = await until_finished(client, await submit(client, clip))
    results = [[push.arguments[1:] for push in pushes if push.address == "/sab/result"] for pushes in (first, again)]
    assert results[0] == results[1]
    assert again[-1].arguments[1:] == first[-1].arguments[1:]
    assert {path: path.stat().st_mtime_ns for path in (clip.parent / "stems" / "clip").iterdir()} == written
    assert [entry.name for entry in (clip.parent / "stems").iterdir()] == ["clip"]


@pytest.mark.parametrize("name", ['it\'s "loud" & 🎸 $HOME `x`.wav', " spaces .wav", "a'b;c.wav"])
async def test_any_file_name_works(client: OscClient, tmp_path: Path, name: str) -> None:
    source = write(tmp_path / name, music(0.2))
    pushes = await until_finished(client, await submit(client, source, "midi", "none"))
    assert pushes[-1].arguments[1:3] == ("done", 4)


@pytest.mark.parametrize(
    ("channels", "rate", "seconds"),
    [(1, 44_100, 0.3), (8, 48_000, 0.3), (2, 192_000, 0.3), (2, 44_100, 0.01)],
)
async def test_any_clip_format_works(
    client: OscClient, tmp_path: Path, channels: int, rate: int, seconds: float
) -> None:
    source = write(tmp_path / "a.wav", music(seconds, rate, channels), rate, "PCM_24")
    pushes = await until_finished(client, await submit(client, source))
    assert pushes[-1].arguments[1:3] == ("done", 9)  # audio and notes of each stem, and a file with all notes
    stems = [read(Path(str(push.arguments[3]))) for push in pushes if push.arguments[1:2] == ("stem",)]
    assert {stem.shape for stem in stems} == {(round(seconds * rate), channels)}
    assert level_dbfs(np.sum(stems, axis=0) - read(source)) <= -90


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _: None, "not_found"),
        (lambda path: path.mkdir(), "not_readable"),
        (lambda path: path.write_bytes(b""), "not_audio"),
        (lambda path: path.write_bytes(b"I am a text file."), "not_audio"),
        (lambda path: path.write_bytes(b"RIFF\x24\x00\x00\x00WAVE"), "not_audio"),
    ],
    ids=["missing", "folder", "empty", "text", "head"],
)
async def test_a_file_that_cannot_be_separated_is_refused_at_once(
    client: OscClient, tmp_path: Path, make: object, code: str
) -> None:
    path = tmp_path / "a.wav"
    make(path)  # type: ignore[operator]
    with pytest.raises(BridgeError) as caught:
        await submit(client, path)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("options", "code"), [(("start", 90.0), "bad_arguments"), (("project", "/nowhere/a.als"), "not_found")]
)
async def test_a_missing_region_or_project_is_refused_at_once(
    client: OscClient, clip: Path, options: tuple[str | float, ...], code: str
) -> None:
    with pytest.raises(BridgeError) as caught:
        await submit(client, clip, *options)
    assert caught.value.code == code
    assert list(clip.parent.iterdir()) == [clip]


async def test_what_is_left_of_a_damaged_file_is_used_and_the_rest_is_told(client: OscClient, tmp_path: Path) -> None:
    """The damage is found only by decoding."""
    path = encode(tmp_path / "a.flac", music(2.0), 44_100)
    path.write_bytes(path.read_bytes()[:9000])
    job = await submit(client, path)
    pushes = await until_finished(client, job)
    warned = [push.arguments[1] for push in pushes if push.address == "/sab/warning"]
    assert warned.count("cut_off") == 1
    assert pushes[-1].arguments[:2] == (job, "done")


async def test_a_file_without_one_packet_that_decodes_fails_its_job(client: OscClient, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", music(2.0), 44_100)
    header = path.read_bytes()
    path.write_bytes(header[: header.index(b"\xff\xf8")] + bytes(20_000))
    job = await submit(client, path)
    pushes = await until_finished(client, job)
    fails = [push.arguments for push in pushes if push.address == "/sab/fail"]
    assert [(fail[0], fail[1], fail[3]) for fail in fails] == [("/sab/submit", "not_audio", job)]
    assert pushes[-1].arguments[:3] == (job, "failed", 0)
    assert list(tmp_path.iterdir()) == [path]


async def test_a_clip_on_a_hanging_drive_delays_no_other_request(client: OscClient, server: Server, clip: Path) -> None:
    hanging = write(clip.parent / "far away.wav", music(1.0))
    with out_of_reach(hanging):
        client.send("/sab/submit", str(hanging), "req", "far")
        async with open_client(server.host, server.port) as other:
            assert await other.ask("/sab/ping", "still there?")
            near = await submit(other, clip)
            await client.ask("/sab/ping", "mine too?")
            await client.ask("/sab/cancel", near)
    answers = [await asyncio.wait_for(client.next_push(), 30)]
    while answers[-1].address != "/sab/accepted":
        answers.append(await asyncio.wait_for(client.next_push(), 30))
    assert answers[-1].arguments[0] == "far"  # the drive answers again
    await client.ask("/sab/cancel", str(answers[-1].arguments[1]))


async def test_an_unwritable_folder_fails_the_job(client: OscClient, clip: Path) -> None:
    (clip.parent / "stems").write_text("a file stands where the folder should be")
    pushes = await until_finished(client, await submit(client, clip))
    assert [push.arguments[1] for push in pushes if push.address == "/sab/fail"] == ["not_writable"]
    pushes = await until_finished(client, await submit(client, clip, "out", "/proc/sab"))
    assert [push.arguments[1] for push in pushes if push.address == "/sab/fail"] == ["not_writable"]


async def test_bad_messages_are_answered_and_the_server_goes_on(client: OscClient, server: Server, clip: Path) -> None:
    for address, arguments, code in (
        ("/sab/nonsense", (), "unknown_address"),
        ("/sab/submit", (), "bad_arguments"),
        ("/sab/submit", (3,), "bad_arguments"),
        ("/sab/submit", ("relative.wav",), "bad_arguments"),
        ("/sab/submit", (str(clip), "engine", "magic"), "bad_arguments"),
        ("/sab/submit", (str(clip), "start", "soon"), "bad_arguments"),
        ("/sab/cancel", ("nobody",), "not_found"),
        ("/sab/play", ("nobody",), "not_found"),
        ("/sab/hello", ("me", 99), "protocol"),
    ):
        (answer,) = await client.exchange(address, *arguments)
        assert answer.arguments[:2] == (address, code)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rough:
        for garbage in (b"", b"\0", b"/sab/ping", os.urandom(700), b"#bundle\0" + os.urandom(64)):
            rough.sendto(garbage, (server.host, server.port))
    assert await client.ask("/sab/ping", "still there")


async def test_an_engine_without_weights_is_refused_and_never_replaced(client: OscClient, clip: Path) -> None:
    pushes = await until_finished(client, await submit(client, clip, "engine", "hdemucs_mmi"))
    assert [push.arguments[1] for push in pushes if push.address == "/sab/fail"] == ["weights_unavailable"]


async def test_auto_falls_back_to_draft_with_a_warning(client: OscClient, clip: Path) -> None:
    pushes = await until_finished(client, await submit(client, clip, "engine", "auto"))
    assert pushes[-1].arguments[1] == "done"
    assert [push.arguments[1] for push in pushes if push.address == "/sab/warning"] == ["weights_unavailable"]


async def test_a_cancelled_job_ends_and_leaves_no_files(client: OscClient, tmp_path: Path) -> None:
    source = write(tmp_path / "long.wav", music(60.0))
    job = await submit(client, source)
    while (await client.next_push()).arguments[1:2] != ("separating",):
        continue
    await client.ask("/sab/cancel", job)
    pushes = await until_finished(client, job)
    assert pushes[-1].arguments == (job, "cancelled", 0, str(tmp_path / "stems" / "long"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["long.wav"]


async def test_a_job_whose_worker_is_killed_runs_again_and_fails_the_second_time_and_no_other_does(
    client: OscClient, server: Server, tmp_path: Path, clip: Path
) -> None:
    job = await submit(client, write(tmp_path / "long.wav", music(30.0)), "out", str(tmp_path / "out"))
    following = await submit(client, clip, "midi", "none")
    for stages in (("separating",), ("queued", "separating")):
        for stage in stages:
            while (await client.next_push()).arguments[:2] != (job, stage):
                continue
        os.kill(server.worker_pid(), signal.SIGKILL)
    pushes = await until_finished(client, job)
    assert [push.arguments[:2] for push in pushes if push.address == "/sab/fail"] == [("/sab/submit", "engine_failed")]
    assert pushes[-1].arguments[:3] == (job, "failed", 0)
    assert not list((tmp_path / "out").glob("*")) or not (tmp_path / "out").exists()
    assert (await until_finished(client, following))[-1].arguments[1:3] == ("done", 4)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_worker_has_its_allocator_settings(server: Server) -> None:
    variables = Path(f"/proc/{server.worker_pid()}/environ").read_text().split("\0")
    wanted = allocator.environment(allocator.glibc_version())
    assert {f"{name}={value}" for name, value in wanted.items()} <= set(variables)


async def test_the_worker_ends_when_its_server_is_killed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    source = write(tmp_path / "long.wav", music(120.0))
    with pytest.raises(AssertionError), serving(tmp_path / "state", "--engine", "draft", "--no-midi") as own:
        async with open_client(own.host, own.port) as client:
            await client.ask("/sab/subscribe", 1)
            await submit(client, source)
            while (await client.next_push()).arguments[1:2] != ("separating",):
                continue
        worker = own.worker_pid()
        own.process.kill()
        own.process.wait()
    assert has_ended(worker)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["long.wav", "state"]


def test_a_second_server_on_the_port_is_an_error(server: Server, tmp_path: Path) -> None:
    done = sab("serve", "--port", str(server.port), "--state-dir", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert str(server.port) in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


async def test_children_end_with_the_server(tmp_path: Path) -> None:
    with serving(tmp_path, "--engine", "draft") as own:
        async with open_client(own.host, own.port) as client:
            await client.ask("/sab/ping")
        pids = [own.worker_pid(), own.player_pid()]
        assert all(map(is_alive, pids))
    assert not any(map(is_alive, pids))


async def test_the_history_survives_a_restart(tmp_path: Path, clip: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving(tmp_path, "--engine", "draft", "--no-midi", port=port):
        async with open_client("127.0.0.1", port) as client:
            await client.ask("/sab/subscribe", 1)
            job = await submit(client, clip, "midi", "none")
            await until_finished(client, job)
    with serving(tmp_path, "--engine", "draft", "--no-midi", port=port):
        async with open_client("127.0.0.1", port) as client:
            (_, listed, _) = await client.ask("/sab/list")
            assert listed.arguments == (job, "done", 1.0, "clip")


def test_a_server_starts_with_a_damaged_history_and_another_port_has_the_same_jobs(tmp_path: Path) -> None:
    good = b'{"type":"submitted","job":"goodgood","name":"song","request":{"source":"/song.wav"},"unix_seconds":1}\n'
    good += b'{"type":"ended","job":"goodgood","outcome":"done","unix_seconds":2}\n'
    ports = free_port(), free_port()
    for folder in (tmp_path / "jobs", tmp_path / str(ports[0]) / "jobs"):
        folder.mkdir(parents=True)
        (folder / "latinaaa.jsonl").write_bytes(b'{"type":"Bj\xf6rk"}\n')
        (folder / "deepdeep.jsonl").write_bytes(b'{"type":"ended","x":' + b"[" * 100_000)
    (tmp_path / "jobs" / "goodgood.jsonl").write_bytes(good)
    (tmp_path / "jobs.sqlite").write_bytes(b"no database" * 999)
    for port in ports:
        with serving(tmp_path, "--no-midi", port=port) as again:
            listed = sab("send", "/sab/list", "--port", str(again.port)).stdout
        assert "/sab/job goodgood done" in listed
        told = (tmp_path / "server.log").read_text()
        assert ("set aside" in told, "4 jobs was damaged" in told) == (port == ports[0],) * 2
    assert len([*tmp_path.rglob("*.damaged")]) == 1


async def test_quitting_during_a_job_leaves_a_marker_and_the_same_job_again_uses_the_folder(tmp_path: Path) -> None:
    source = write(tmp_path / "song.wav", music(30.0))
    with serving(tmp_path, "--engine", "draft", "--no-midi") as server:
        async with open_client(server.host, server.port) as client:
            job = await submit(client, source)
            while (await asyncio.wait_for(client.next_push(), 60)).address != "/sab/result":
                pass
            assert job
    folder = tmp_path / "stems" / "song"
    assert (folder / "song.unfinished.json").is_file()
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    done = sab("process", source, "--engine", "draft", "--end", "30")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "stems").iterdir()] == ["song"]
    assert not (folder / "song.unfinished.json").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_without_access_to_the_state_folder_only_the_history_is_missing() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's temporary folders are readable only by root
        _serve_as_nobody(Path(name))


def _serve_as_nobody(folder: Path) -> None:
    (folder / "locked").mkdir(mode=0o700)
    (folder / "home").mkdir()
    os.chown(folder / "home", 65534, 65534)
    folder.chmod(0o755)
    program = [sys.executable, "-m", "bridge"]
    environment = {**os.environ, "HOME": str(folder / "home"), "SAB_STATE_DIR": str(folder / "locked" / "state")}
    for place in ("CONFIG", "CACHE", "DATA"):
        environment[f"XDG_{place}_HOME"] = str(folder / "home" / place)
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "env": environment, "cwd": folder / "home"}
    readable = subprocess.run([*program, "--version"], **nobody, capture_output=True, check=False)  # type: ignore[call-overload]
    if readable.returncode:
        pytest.skip("nobody may not read this checkout")
    doctor = subprocess.run([*program, "doctor", "--port", "0"], **nobody, capture_output=True, text=True, check=False)  # type: ignore[call-overload]
    assert doctor.returncode == 1, doctor.stderr
    assert "SAB_STATE_DIR" in doctor.stdout
    with subprocess.Popen(
        [*program, "serve", "--port", str(free_port()), "--no-midi"], **nobody, stdout=subprocess.PIPE, text=True
    ) as server:  # type: ignore[call-overload]
        assert server.stdout.readline().startswith("listening on")
        server.terminate()
        assert server.wait(30) == 0
