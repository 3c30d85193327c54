"""A picture may be wanted in the folder that the job makes for its results."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import NotWritable
from bridge.options.request import build_request
from bridge.pipeline.source_lookup import find_source
from bridge.request import JobRequest


def test_a_picture_may_lie_in_the_folder_that_the_job_makes(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "new"

    def lookup(picture: Path) -> None:
        request = build_request(str(clip), {"out": str(out), "picture": str(picture)}, JobRequest(source=""), tmp_path)
        find_source(request, max_seconds=60.0, roots=())

    lookup(out / "notes.svg")
    with pytest.raises(NotWritable, match="for the picture"):
        lookup(tmp_path / "another" / "notes.svg")
