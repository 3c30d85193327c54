"""Several clips in one request, with the real programs: on the command line, and by a running bridge."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.osc.addresses import GROUP, GROUP_FINISHED, JOB_GROUP, Message
from bridge.osc.client import OscClient, open_client
from bridge.osc.fields import arguments_of
from tests.support.loopback import free_port
from tests.support.programs import children, command_line, sab, serving
from tests.support.sounds import music, write

pytestmark = pytest.mark.end_to_end

QUICK = ("--engine", "draft", "--midi", "none", "--stems", "bass")


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """A folder with three clips, of different content."""
    folder = tmp_path / "takes"
    folder.mkdir()
    for number, seconds in ((1, 1.0), (2, 1.2), (10, 1.4)):
        write(folder / f"take {number}.wav", music(seconds))
    return folder


def test_a_folder_is_one_group_and_each_clip_has_its_own_results(takes: Path) -> None:
    (takes / "words.txt").write_text("la la")
    done = sab("process", takes, "--json", *QUICK)
    assert done.returncode == 0, done.stderr
    *events, group = lines(done.stdout)
    assert (group["state"], group["clips"], group["done"], group["failed"]) == ("done", 3, 3, 0)
    assert [Path(clip["file"]).name for clip in group["results"]] == ["take 1.wav", "take 2.wav", "take 10.wav"]
    bass = [takes / "stems" / name / f"{name} (Bass).wav" for name in ("take 1", "take 2", "take 10")]
    assert group["tracks"] == [
        {
            "kind": "stem",
            "name": "bass",
            "files": [{"clip": clip, "path": str(path)} for clip, path in enumerate(bass, 1)],
        }
    ]
    assert all(path.is_file() for path in bass)
    of_jobs = [event for event in events if "job" in event]
    assert {event["group"] for event in of_jobs} == {group["group"]}
    assert {event["job"]: event["clip"] for event in of_jobs} == {
        clip["job"]: clip["clip"] for clip in group["results"]
    }
    results = [event for event in events if "state" in event and "stems" in event]
    assert [(result["clip"], result["state"], len(result["stems"])) for result in results] == [
        (1, "done", 1), (2, "done", 1), (3, "done", 1),
    ]  # fmt: skip
    assert sum(event.get("state") == "ready" for event in events) <= 4, "one worker, ready after each job"


def test_one_file_is_told_as_ever(clip: Path) -> None:
    *events, result = lines(sab("process", clip, "--json", *QUICK).stdout)
    assert (result["state"], [stem["name"] for stem in result["stems"]]) == ("done", ["bass"])
    assert not any("group" in line or "clip" in line for line in (*events, result))


def test_good_and_bad_clips_the_same_clip_twice_and_two_of_one_name(takes: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(takes / "take 2.wav", other / "take 1.wav")
    (tmp_path / "bad.wav").write_text("no audio")
    first = takes / "take 1.wav"
    done = sab(
        "process", first, tmp_path / "bad.wav", first, "gone.wav", "https://example.org/a.wav", other / "take 1.wav",
        "--out", tmp_path / "out", "--json", *QUICK, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    group = lines(done.stdout)[-1]
    assert (group["state"], group["done"], group["failed"]) == ("failed", 3, 3)
    assert [clip.get("code", "") for clip in group["results"]] == [
        "",
        "not_audio",
        "",
        "not_found",
        "bad_arguments",
        "",
    ]
    complaints = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in complaints] == ["not_audio", "not_found", "bad_arguments"]
    folders = [clip["output_dir"] for clip in group["results"] if clip["state"] == "done"]
    assert folders == [str(tmp_path / "out" / name) for name in ("take 1", "take 1", "take 1 2")], (
        "the same again is there already"
    )


def test_a_text_report_has_one_line_for_each_clip(takes: Path, tmp_path: Path) -> None:
    done = sab("process", takes, "gone.wav", *QUICK, cwd=tmp_path)
    assert done.returncode == 1
    said = [line for line in done.stdout.splitlines() if not line.startswith("Note")]
    assert sorted(line.split(":")[0].strip() for line in said[:-1]) == [
        "1  take 1", "2  take 2", "3  take 10", f"4  {tmp_path}/gone.wav", "Engine",
    ]  # fmt: skip
    assert said[-1].endswith("3 done, 1 failed")


def test_several_recordings_are_transcribed_in_one_go(takes: Path) -> None:
    done = sab("transcribe", takes, "--as", "bass", "--json")
    assert done.returncode == 0, done.stderr
    (track,) = lines(done.stdout)[-1]["tracks"]
    assert (track["kind"], track["name"], len(track["files"])) == ("midi", "bass", 3)


def test_more_clips_than_the_queue_holds(takes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAB_QUEUE_LIMIT", "1")
    many = [takes / "take 1.wav"] * 6
    done = sab("process", *many, "--json", *QUICK)
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[-1]["done"] == 6


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bridge", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], clip: int, **fields: object) -> list[dict[str, Any]]:
    """Reads events of a clip until one has these fields."""
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(json.loads(line))
        if read[-1].get("clip") == clip and fields.items() <= read[-1].items():
            return read
    raise AssertionError(read)


def test_ctrl_c_in_the_middle_cancels_the_rest_and_keeps_what_is_done(takes: Path) -> None:
    write(takes / "take 2.wav", music(60.0))
    process = started("process", takes, "--json", *QUICK)
    until(process, 2, stage="separating")
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    group = lines(out)[-1]
    assert (group["state"], group["done"], group["cancelled"]) == ("cancelled", 1, 2)
    assert [entry.name for entry in (takes / "stems").iterdir()] == ["take 1"]


def test_a_killed_worker_fails_its_clip_again_and_again_and_the_others_are_done(takes: Path) -> None:
    for number in (2, 3):
        write(takes / f"take {number}.wav", music(60.0))
    process = started("process", takes, "--json", *QUICK)
    for clip in (2, 2, 3, 3):  # each is tried once more
        until(process, clip, stage="separating")
        (worker,) = [pid for pid in children(process.pid) if "bridge.worker" in command_line(pid)]
        os.kill(worker, signal.SIGKILL)
    out, error = process.communicate(timeout=100)
    assert process.returncode == 1
    group = lines(out)[-1]
    assert [clip["state"] for clip in group["results"]] == ["done", "failed", "failed", "done"]
    assert [line.split(": ")[1] for line in error.splitlines()] == ["engine_failed", "engine_failed"]
    assert sorted(entry.name for entry in (takes / "stems").iterdir()) == ["take 1", "take 10"]


def test_a_reader_that_closes_the_pipe_ends_the_whole_group(takes: Path) -> None:
    for number in (1, 2):
        write(takes / f"take {number}.wav", music(60.0))
    process = started("process", takes, "--json", *QUICK)
    assert process.stdout is not None and process.stderr is not None
    until(process, 1, stage="separating")
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert "3 clips were cancelled" in error
    assert not (takes / "stems").exists()


async def until_group_ends(client: OscClient) -> list[Message]:
    read: list[Message] = []
    async for push in client.pushes():
        read.append(push)
        if push.address == GROUP_FINISHED.address:
            break
    return read


async def submitted(client: OscClient, clips: Sequence[Path], group: str) -> list[str]:
    jobs = []
    for clip in clips:
        (accepted,) = await client.ask(
            "/sab/submit", str(clip), "group", group, "midi", "none", "stems", "bass", "clips", 3
        )
        jobs.append(str(accepted.arguments[1]))
    return jobs


async def test_a_script_follows_one_line_and_gets_the_results_in_order(takes: Path, tmp_path: Path) -> None:
    clips = [takes / f"take {number}.wav" for number in (10, 2, 1)]
    with serving(tmp_path, "--engine", "draft", "--no-midi") as server:
        async with open_client(server.host, server.port) as client:
            jobs = await submitted(client, clips, "take-3")
            told = await until_group_ends(client)
            fractions = [arguments_of(push, GROUP)["fraction"] for push in told if push.address == GROUP.address]
            assert fractions == sorted(fractions)
            assert fractions[-1] == 1.0
            end = arguments_of(told[-1], GROUP_FINISHED)
            assert (end["group"], end["outcome"], end["clips"]) == ("take-3", "done", 3)
            answer = await client.ask("/sab/group.results", "take-3")
        assert [message.arguments[2] for message in answer if message.address == "/sab/group.clip"] == jobs
        files = [Path(str(message.arguments[4])) for message in answer if message.address == "/sab/group.result"]
        assert [path.name for path in files] == [f"take {number} (Bass).wav" for number in (10, 2, 1)]
        assert all(path.is_file() for path in files)


async def test_a_group_survives_a_killed_bridge_and_goes_on(takes: Path, tmp_path: Path) -> None:
    write(takes / "take 2.wav", music(20.0))
    clips = [takes / f"take {number}.wav" for number in (1, 2, 10)]
    folder = tmp_path / "state"
    folder.mkdir()
    port, options = free_port(), ("--engine", "draft", "--no-midi")
    with serving(folder, *options, port=port, dies=True) as server:
        async with open_client(server.host, server.port) as client:
            jobs = await submitted(client, clips, "take-3")
            async for push in client.pushes():
                if push.address == "/sab/progress" and push.arguments[:2] == (jobs[1], "separating"):
                    break
            workers = children(server.process.pid)
            server.process.kill()
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
    with serving(folder, *options, port=port) as server:
        async with open_client(server.host, server.port) as client:
            listed = [
                arguments_of(message, JOB_GROUP)
                for message in await client.ask("/sab/list")
                if message.address == JOB_GROUP.address
            ]
            assert [(place["job"], place["position"]) for place in listed] == list(zip(jobs, (1, 2, 3), strict=True))
            assert len({place["group_id"] for place in listed}) == 1
            await client.ask("/sab/subscribe", 1)
            end = arguments_of((await until_group_ends(client))[-1], GROUP_FINISHED)
            assert (end["group"], end["clips"], end["done"]) == ("take-3", 3, 3)


def test_submit_takes_several_clips_and_a_folder(takes: Path, tmp_path: Path) -> None:
    write(tmp_path / "takes" / "take 3.wav", music(1.6))
    with serving(tmp_path, "--engine", "draft", "--no-midi") as server:
        words = ("stems", "bass", "midi", "none", "--wait", "--port", str(server.port))
        done = sab("submit", takes / "take 2.wav", takes / "take 1.wav", "gone.wav", *words, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith("sab: not_found: ")
        assert len(done.stderr.splitlines()) == 1
        *jobs, second, first = done.stdout.splitlines()
        assert len(jobs) == 2
        assert (Path(second).name, Path(first).name) == ("take 2 (Bass).wav", "take 1 (Bass).wav")
        done = sab("submit", takes, "out", tmp_path / "out", "req", "same", *words)
        assert done.returncode == 0, done.stderr
        assert [Path(path) for path in done.stdout.splitlines()[4:]] == [
            tmp_path / "out" / name / f"{name} (Bass).wav" for name in ("take 1", "take 2", "take 3", "take 10")
        ]
        wrong = sab("submit", takes, "tempo", "fast", "--port", str(server.port))
        assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
        listed = sab("send", "/sab/list", "--port", str(server.port)).stdout
        assert [line.split()[-2] for line in listed.splitlines() if "/sab/job.group" in line] == list("12" + "1234")
