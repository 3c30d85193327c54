"""What a screen is told of files before they become jobs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.errors import NotAudio
from bridge.inspector.outline import OutlineRequest, outline_of
from bridge.protocols.looking import OUTLINE_SPANS
from tests.inspector.test_inspector import inspecting

pytestmark = pytest.mark.end_to_end


async def test_a_look_tells_length_rate_and_tags_or_why_a_file_is_refused(clip: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"RIFF" + bytes(range(200)))
    async with inspecting() as client:
        good, bad, missing = await client.look([str(clip), str(noise), str(tmp_path / "none.wav")])
    assert (good.path, good.refusal) == (str(clip), None)
    assert good.seconds > 0 and good.sample_rate_hz > 0 and good.channels in (1, 2)
    assert bad.refusal is not None and bad.refusal.code == "not_audio"
    assert missing.refusal is not None and missing.refusal.code == "not_found"


async def test_an_outline_has_the_peaks_of_a_file(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    levels = np.repeat(np.linspace(0, 1, 100, dtype=np.float32), 441)
    soundfile.write(song, levels, 44_100, subtype="PCM_24")
    peaks = await outline_of(OutlineRequest(path=str(song), max_seconds=60))
    assert 100 < len(peaks) <= OUTLINE_SPANS
    assert list(peaks) == sorted(peaks)
    assert (peaks[0], peaks[-1]) == (0, 255)


async def test_an_outline_of_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"no audio")
    with pytest.raises(NotAudio):
        await outline_of(OutlineRequest(path=str(noise), max_seconds=60))


async def test_an_outline_that_nobody_wants_any_more_ends_its_process(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: asyncio.Future[asyncio.subprocess.Process] = asyncio.get_running_loop().create_future()
    create = asyncio.create_subprocess_exec

    async def recorded(*_: str, **options: Any) -> asyncio.subprocess.Process:
        started.set_result(await create(sys.executable, "-c", "import time; time.sleep(600)", **options))
        return await started

    monkeypatch.setattr("asyncio.create_subprocess_exec", recorded)
    task = asyncio.create_task(outline_of(OutlineRequest(path=str(clip), max_seconds=60)))
    process = await started
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert process.returncode is not None
