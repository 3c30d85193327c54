"""`sab live` with a fake AbletonOSC and a running bridge."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ableton_osc import FakeAbletonOsc, Value, running
from tests.support.loopback import free_port
from tests.support.programs import Server, serving

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--engine", "draft", "--no-midi") as running_server:
        yield running_server


def clip_in_live(path: Path, **more: Value) -> FakeAbletonOsc:
    clip: dict[str, Value] = {
        "is_audio_clip": True,
        "file_path": str(path),
        "name": "Verse",
        "warping": False,
        "looping": False,
        "start_marker": 0.5,
        "end_marker": 960.0,  # beats, from the time when the clip was warped
        "loop_start": 0.5,
        "loop_end": 1.5,
    }
    return FakeAbletonOsc({**clip, **more})


async def sab_live(live: FakeAbletonOsc, *arguments: str) -> tuple[int, str, str]:
    """Runs the command; returns (status, standard output, standard error)."""
    async with running(live):
        ports = ("--live-port", str(live.port), "--answer-port", str(live.answer_port))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", "live", *arguments, *ports,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 100)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


async def test_the_selected_clip_becomes_stems(server: Server, clip: Path) -> None:
    live = clip_in_live(clip)
    status, out, err = await sab_live(live, "stems", "bass", "midi", "none", "--wait", "--port", str(server.port))
    assert (status, err) == (0, 'sab: Sending "Verse" in track 2 "Keys", scene 5, 1.0 s.\n')
    job, *files = out.splitlines()
    assert job
    assert files == [str(clip.parent / "stems" / "Verse" / "Verse (Bass).wav")]
    assert Path(files[0]).stat().st_size == pytest.approx(44_100 * 4, rel=0.01)  # a second of 16 bits in stereo


async def test_a_clip_whose_file_is_missing_is_an_error(server: Server, tmp_path: Path) -> None:
    status, out, err = await sab_live(clip_in_live(tmp_path / "gone.wav"), "--port", str(server.port))
    assert (status, out) == (1, "")
    assert err.splitlines()[1].startswith("sab: not_found: ")
    assert "gone.wav" in err


async def test_a_note_says_that_a_warped_clip_is_used_whole(server: Server, tmp_path: Path) -> None:
    status, _, err = await sab_live(clip_in_live(tmp_path / "gone.wav", warping=True), "--port", str(server.port))
    assert status == 1
    assert err.splitlines()[0] == 'sab: Sending "Verse" in track 2 "Keys", scene 5, 1 beat, warped.'
    assert err.splitlines()[1] == "sab: The clip is warped: the bridge takes its whole file, in the file's own tempo."


async def test_nothing_is_sent_while_the_arrangement_may_be_meant(server: Server, tmp_path: Path) -> None:
    live = clip_in_live(tmp_path / "gone.wav")
    live.arrangement = ("Intro", "Verse")
    status, out, err = await sab_live(live, "--port", str(server.port))
    assert (status, out) == (2, "")
    assert 'Which clip? Selected in the Session is "Verse" in track 2 "Keys", scene 5, 1.0 s' in err
    assert "sab live --session" in err
    live = clip_in_live(tmp_path / "gone.wav")
    live.arrangement = ("Intro", "Verse")
    status, _, err = await sab_live(live, "--session", "--port", str(server.port))
    assert status == 1
    assert "not_found" in err  # now it is submitted, and the bridge finds no such file


async def test_an_unsaved_set_needs_a_folder(server: Server, tmp_path: Path) -> None:
    recorded = tmp_path / "2026-11-22 180312 Temp Project" / "Samples" / "Recorded" / "1-Audio.aif"
    status, _, err = await sab_live(clip_in_live(recorded), "--port", str(server.port))
    assert status == 2
    assert "Save the set" in err
    status, _, err = await sab_live(clip_in_live(recorded), "out", str(tmp_path), "--port", str(server.port))
    assert status == 1
    assert "not_found" in err  # now it is submitted, and the bridge finds no such file


async def test_without_live_the_error_says_what_is_needed() -> None:
    nobody = ("--live-port", str(free_port()), "--answer-port", str(free_port()))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "live", *nobody, stderr=asyncio.subprocess.PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 1
    assert err.decode().startswith("sab: not_found: No AbletonOSC answers")


async def test_without_a_bridge_the_error_says_how_to_start_one(clip: Path) -> None:
    status, _, err = await sab_live(clip_in_live(clip), "--port", str(free_port()))
    assert status == 1
    assert "sab serve" in err
