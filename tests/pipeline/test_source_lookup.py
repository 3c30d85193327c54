"""Where results go, checked before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import NotWritable
from bridge.pipeline.source_lookup import find_source
from tests.support.bench import Bench, files
from tests.support.requests import request_for


@pytest.mark.parametrize("out", ["/".join(["deep"] * 200), "x" * 256, "ü" * 128])
def test_paths_that_are_too_long_are_refused_first(clip: Path, out: str) -> None:
    request = request_for(clip, out=str(clip.parent / out))
    with pytest.raises(NotWritable, match=r"too long.*Choose a shorter folder"):
        find_source(request, max_seconds=60.0, roots=())
    job = Bench().run(clip, out=str(clip.parent / out))
    assert job.failure is not None
    assert job.failure.code == "not_writable"
    assert [path.name for path in clip.parent.iterdir()] == ["clip.wav"]


def test_the_longest_path_that_is_allowed_can_be_written(clip: Path) -> None:
    out = clip.parent
    while len(str(out)) + 150 < 1023 - len("clip") - 48:
        out = out / ("x" * 100)
    out = out / ("x" * (1023 - len("clip") - 48 - len(str(out)) - 1))
    assert Bench().run(clip, out=str(out)).state == "done"


def test_a_picture_may_go_to_the_folder_that_the_job_makes(clip: Path) -> None:
    out = clip.parent / "new"
    job = Bench().run(clip, out=str(out), picture=str(out / "notes.svg"))
    assert job.state == "done"
    assert "notes.svg" in files(job)
    again = Bench().run(clip, out=str(clip.parent / "newer"), picture=str(clip.parent / "nowhere" / "notes.svg"))
    assert again.failure is not None
    assert "no folder" in again.failure.message
