"""The files of a job over HTTP: by their names, in parts, and no others."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from bridge.model import Job, Result
from bridge.osc.http.jobs.files import disposition
from tests.support.fakes import FakeBridge
from tests.support.http_site import HttpSite, http_site
from tests.support.requests import request_for

WAV = b"RIFF" + bytes(range(256)) * 20


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HttpSite]:
    async with http_site(tmp_path, FakeBridge()) as running:
        yield running


@pytest.fixture
def done(tmp_path: Path) -> Job:
    folder = tmp_path / "out"
    folder.mkdir()
    for name, content in (
        ("a (Vocals).wav", WAV),
        ("a (Vocals).mid", b"MThd"),
        ("a.sab.json", b"{}"),
        ("secret", b"s"),
    ):
        (folder / name).write_bytes(content)
    results = (
        Result(kind="stem", name="vocals", folder=str(folder), file="a (Vocals).wav", seconds=1),
        Result(kind="midi", name="vocals", folder=str(folder), file="a (Vocals).mid", seconds=1),
        Result(kind="picture", name="all", folder=str(folder), file="gone.svg", seconds=1),
    )
    return Job(
        id="j1", name="a", request=request_for("/a.wav"), submitted_unix=1.0, state="done", results=results,
        output_dir=str(folder),
    )  # fmt: skip


async def test_the_files_of_a_job_are_fetched_by_their_names(site: HttpSite, done: Job) -> None:
    site.bridge.table["j1"] = done
    files = cast("list[dict[str, str]]", (await site.get("/jobs/j1")).json["files"])
    assert [(file["name"], file["kind"], file["stem"]) for file in files] == [
        ("a (Vocals).wav", "stem", "vocals"),
        ("a (Vocals).mid", "midi", "vocals"),
        ("gone.svg", "picture", "all"),
        ("a.sab.json", "manifest", "all"),
    ]
    found = {file["name"]: await site.get(file["href"]) for file in files}
    stem = found["a (Vocals).wav"]
    assert (stem.status, stem.body, stem.headers["Content-Type"]) == (200, WAV, "audio/wav")
    assert stem.headers["Content-Disposition"] == (
        "attachment; filename=\"a (Vocals).wav\"; filename*=UTF-8''a%20%28Vocals%29.wav"
    )
    assert stem.headers["Content-Length"] == str(len(WAV))
    assert (found["a (Vocals).mid"].body, found["a.sab.json"].body) == (b"MThd", b"{}")
    assert (found["gone.svg"].status, found["gone.svg"].json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("wanted", "status", "start", "stop"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=100-", 206, 100, len(WAV)),
        ("bytes=-7", 206, len(WAV) - 7, len(WAV)),
        ("bytes=0-999999", 200, 0, len(WAV)),
        ("bytes=-999999", 200, 0, len(WAV)),
        ("bytes=9-3", 200, 0, len(WAV)),  # no range, so it is ignored
        ("bytes=0-1,5-6", 200, 0, len(WAV)),
        ("lines=0-9", 200, 0, len(WAV)),
        ("bytes=99999-", 416, 0, 0),
        ("bytes=" + "9" * 30 + "-", 416, 0, 0),
    ],
)
async def test_a_part_of_a_file(site: HttpSite, done: Job, wanted: str, status: int, start: int, stop: int) -> None:
    site.bridge.table["j1"] = done
    answer = await site.get("/jobs/j1/files/a%20(Vocals).wav", more=f"Range: {wanted}\r\n".encode())
    assert answer.status == status
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(WAV)}"
    else:
        assert answer.body == WAV[start:stop]
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(WAV)}"
        tag = answer.headers["ETag"]
        for said, expected in ((tag, 206), ('"other"', 200)):
            more = f"Range: {wanted}\r\nIf-Range: {said}\r\n".encode()
            assert (await site.get("/jobs/j1/files/a%20(Vocals).wav", more=more)).status == expected


async def test_the_head_of_a_file(site: HttpSite, done: Job) -> None:
    site.bridge.table["j1"] = done
    answer = await site.get("/jobs/j1/files/a%20(Vocals).wav", method="HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, str(len(WAV)), b"")


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/j1/files/secret",
        "/jobs/j1/files/..%2fsecret",
        "/jobs/j1/files/../files/secret",
        "/jobs/j1/files/%2fetc%2fpasswd",
        "/jobs/j1/files//etc/passwd",
        "/jobs/j1/files/a%20(Vocals).wav%00",
        "/jobs/j1/files/a%20(Vocals).wav/",
        "/jobs/j1/files/%E2%80%AEa.wav",
        "/jobs/j1/files/%ff%fe",
        "/jobs/j1/files/A%20(vocals).wav",
        "/jobs/j1/files/.",
        "/jobs/j1/files/..",
        "/jobs/..%2f..%2fetc/files/passwd",
        "/jobs/%00/files/a",
        "/jobs/j1%2ffiles/secret",
        "/jobs//files/secret",
    ],
)
async def test_only_the_files_of_the_job_s_results_are_given(site: HttpSite, done: Job, path: str) -> None:
    site.bridge.table["j1"] = done
    answer = await site.get(path)
    assert (answer.status, answer.json["code"]) == (404, "not_found")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
async def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(site: HttpSite, done: Job) -> None:
    site.bridge.table["j1"] = done
    stem = Path(done.results[0].path)
    stem.unlink()
    os.mkfifo(stem)
    answer = await site.get("/jobs/j1/files/a%20(Vocals).wav")
    assert (answer.status, answer.json["code"]) == (422, "not_readable")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few accounts make links")
async def test_a_link_in_the_place_of_a_file_is_not_followed(site: HttpSite, done: Job, tmp_path: Path) -> None:
    site.bridge.table["j1"] = done
    stem = Path(done.results[0].path)
    stem.unlink()
    stem.symlink_to(stem.parent / "secret")
    answer = await site.get("/jobs/j1/files/a%20(Vocals).wav")
    assert (answer.status, answer.json["code"]) == (422, "not_readable")
    assert "it is a link" in str(answer.json["message"])
    (tmp_path / "linked").symlink_to(stem.parent)  # where the results lie is the user's choice
    moved = tuple(replace(result, folder=str(tmp_path / "linked")) for result in done.results)
    site.bridge.table["j1"] = replace(done, results=moved)
    assert (await site.get("/jobs/j1/files/a%20(Vocals).mid")).body == b"MThd"


def test_a_name_in_other_letters_is_told_whole_and_in_ascii() -> None:
    told = disposition('Émile "live"\n50%.wav')
    assert told == "attachment; filename=\"_mile _live__50_.wav\"; filename*=UTF-8''%C3%89mile%20%22live%22%0A50%25.wav"
