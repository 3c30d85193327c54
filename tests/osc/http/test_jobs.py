"""Jobs over HTTP: submitting them by path and with the clip, asking again, files, ending and playing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from bridge.errors import BridgeError, EngineFailed, NotFound, QueueFull
from bridge.events import Ended
from bridge.model import Job
from bridge.osc.http.jobs.repeats import MAX_KEYS, MEMORY_SECONDS, Repeats
from bridge.request import JobRequest
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.http_site import HttpResponse, HttpSite, http_site
from tests.support.requests import request_for

WAV = b"RIFF" + bytes(range(256)) * 20
FORM = "multipart/form-data; boundary=xyz"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HttpSite]:
    async with http_site(tmp_path, FakeBridge(), max_bytes=20_000) as running:
        yield running


def part(name: str, content: bytes, more: str = "") -> bytes:
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


def submitted(site: HttpSite) -> list[JobRequest]:
    return [cast("JobRequest", asked[1]) for asked in site.bridge.asked if asked[0] == "submit"]


def clips(site: HttpSite) -> list[Path]:
    return sorted(path for path in site.uploads.folder.rglob("*") if path.is_file())


async def post_json(site: HttpSite, value: object, more: bytes = b"") -> HttpResponse:
    return await site.post("/jobs", json.dumps(value).encode(), more=more)


async def test_a_path_and_options_become_a_job(site: HttpSite) -> None:
    options = {
        "path": "/a.wav",
        "stems": ["vocals", "bass"],
        "tempo": 92.5,
        "score": True,
        "notes": ["csv"],
        "end": None,
    }
    answer = await post_json(site, options)
    assert (answer.status, answer.headers["Location"]) == (201, "/jobs/job1")
    assert (answer.json["id"], answer.json["position"]) == ("job1", 0)
    (request,) = submitted(site)
    assert request == request_for(
        "/a.wav", format="flac", stems=("vocals", "bass"), tempo_bpm=92.5, score=True, note_lists=("csv",)
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "path must be"),
        ({"path": 3}, "path must be"),
        ({"path": "a.wav"}, "whole path"),
        ({"path": "/a\0.wav"}, "path must be"),
        ({"path": "/a.wav", "tempo": 1e400}, "JSON object"),
        ({"path": "/a.wav", "tempo": 4000}, "at most 400"),
        ({"path": "/a.wav", "stems": []}, "at least one"),
        ({"path": "/a.wav", "stems": ["vocals", 3]}, "words"),
        ({"path": "/a.wav", "engine": {"a": 1}}, "text"),
        ({"path": "/a.wav", "no such": 1}, "no option"),
        ({"path": "/a.wav", "start": 5, "end": 4}, "after start"),
        ([1], "JSON object"),
        ("x", "JSON object"),
    ],
)
async def test_what_is_no_request_is_refused(site: HttpSite, body: object, words: str) -> None:
    answer = await post_json(site, body)
    assert (answer.status, answer.json["code"]) == (400, "bad_arguments")
    assert words in str(answer.json["message"])
    assert site.bridge.asked == []


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 60_000, b'{"path": "\\ud800"}', b'{"a": 1, "a": 2'])
async def test_what_is_no_json_is_refused(site: HttpSite, body: bytes) -> None:
    assert (await site.post("/jobs", body)).status == 400


async def test_a_large_request_is_refused(site: HttpSite) -> None:
    assert (await post_json(site, {"path": "/" + "a" * 70_000})).status == 413
    assert (await site.post("/jobs", b"x" * 70_000, "text/html")).status == 415
    assert (await site.post("/jobs", WAV, "audio/wav", more=b"Content-Encoding: gzip\r\n")).status == 415


async def test_a_clip_comes_as_the_body_with_the_options_in_the_query(site: HttpSite) -> None:
    answer = await site.post("/jobs?filename=my%20song.WAV&stems=vocals&score=1", WAV, "audio/x-wav")
    assert answer.status == 201
    (request,), (clip,) = submitted(site), clips(site)
    assert (clip.name, clip.read_bytes(), request.source) == ("my song.wav", WAV, str(clip))
    assert (clip.stat().st_mode & 0o077, clip.parent.stat().st_mode & 0o077) == (0, 0)
    assert (request.stems.audio, request.note_files.score) == (("vocals",), True)
    assert request.place.folder == str(site.uploads.results / "my song")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("%2Fetc%2Fshadow.wav", "shadow.wav"),
        ("..", "clip"),
        ("a%00b.wav", "a_b.wav"),
        ("C%3A%5Cx%5Cy.mp3", "y.mp3"),
        ("%ff%fe.wav", "\ufffd\ufffd.wav"),
        ("x" * 300 + ".flac", "x" * 180 + ".flac"),
        ("song.wav%20", "song.wav"),
        ("", "clip"),
    ],
)
async def test_a_clip_has_a_name_without_folders(site: HttpSite, said: str, name: str) -> None:
    assert (await site.post(f"/jobs?filename={said}", WAV, "audio/wav")).status == 201
    (clip,) = clips(site)
    assert clip.parent.parent == site.uploads.folder
    assert clip.name == name


async def test_a_clip_comes_in_a_form(site: HttpSite) -> None:
    body = form(
        part("options", b'{"stems": ["bass"]}'), part("file", WAV, '; filename="b.wav"'), part("out", b"/results")
    )
    assert (await site.post("/jobs?tempo=100", body, FORM)).status == 201
    (request,), (clip,) = submitted(site), clips(site)
    assert (clip.name, clip.read_bytes()) == ("b.wav", WAV)
    assert (request.stems.audio, request.place.folder, request.song.tempo) == (("bass",), "/results", 100.0)


async def test_quotes_in_a_form_s_file_name_come_as_browsers_and_curl_write_them(site: HttpSite) -> None:
    body = form(part("file", WAV, '; filename="50% %22live%22%0A.wav"'))
    assert (await site.post("/jobs", body, FORM)).status == 201
    assert [clip.name for clip in clips(site)] == ["50% _live__.wav"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"nothing of a form",
        part("file", WAV)[:-1000],  # cut off
        form(part("stems", b"vocals")),
        form(part("file", WAV), part("file", WAV)),
        form(part("file", WAV), part("stems", b"x" * 5000)),
        form(part("file", WAV), part("stems", b"vocals"), part("stems", b"bass")),
        form(part("file", WAV), part("path", b"/etc/passwd")),
        form(part("file", WAV), *(part(f"x{number}", b"") for number in range(100))),
        form(part("file", WAV), part("options", b"[1]")),
        form(part("file", b"")),
        b"--xyz\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\n\r\nx\r\n--abc--\r\n--xyz--\r\n",
        b"--xyz\r\nContent-Disposition\r\n\r\n\r\n--xyz--\r\n",
    ],
    ids=range(14),
)
async def test_a_wrong_form_is_refused_and_leaves_nothing(site: HttpSite, body: bytes) -> None:
    answer = (
        await site.post("/jobs", body, FORM)
        if body
        else await site.get("/jobs", method="POST", more=f"Content-Type: {FORM}\r\nContent-Length: 0\r\n".encode())
    )
    assert (answer.status, answer.json["code"]) == (400, "bad_arguments")
    assert (clips(site), site.bridge.asked) == ([], [])


async def test_a_form_without_a_boundary_is_refused(site: HttpSite) -> None:
    assert (await site.post("/jobs", b"x", "multipart/form-data")).status == 400


async def test_a_clip_that_is_too_large_is_refused_before_and_while_it_comes(site: HttpSite) -> None:
    announced = await site.post("/jobs", bytes(21_000), "audio/wav")
    assert (announced.status, announced.json["code"]) == (413, "too_long")
    body = b"".join(b"3e8\r\n" + bytes(1000) + b"\r\n" for _ in range(21)) + b"0\r\n\r\n"
    head = b"Content-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n"
    chunked = await site.get("/jobs", method="POST", more=head + b"\r\n" + body)
    assert chunked.status == 413
    assert (clips(site), site.bridge.asked) == ([], [])


async def test_without_an_allowance_no_clip_is_taken(tmp_path: Path) -> None:
    async with http_site(tmp_path, FakeBridge(), max_bytes=0) as site:
        assert (await site.post("/jobs", WAV, "audio/wav")).status == 400
        assert (await post_json(site, {"path": "/a.wav"})).status == 201


@pytest.mark.parametrize(
    ("error", "status"), [(QueueFull("Full."), 503), (NotFound("No file."), 422), (EngineFailed("No."), 503)]
)
async def test_a_clip_whose_job_is_refused_is_removed(site: HttpSite, error: BridgeError, status: int) -> None:
    site.bridge.refuse = error
    answer = await site.post("/jobs", WAV, "audio/wav")
    assert (answer.status, answer.json["code"]) == (status, error.code)
    assert clips(site) == []
    assert ("Retry-After" in answer.headers) == isinstance(error, QueueFull)


async def test_a_clip_goes_when_its_job_is_over(site: HttpSite) -> None:
    site.bridge.subscribe(site.uploads.follow(site.bridge.job))
    for _ in range(2):
        await site.post("/jobs", WAV, "audio/wav")
    site.bridge.publish(Ended(job="job1", outcome="done", unix_seconds=1.0))
    (kept,) = clips(site)
    assert str(kept) == site.bridge.table["job2"].request.source
    site.uploads.of_this_run.clear()  # the bridge starts again
    (site.uploads.folder / "left").mkdir()
    site.uploads.sweep(site.bridge.jobs())
    assert [path.name for path in site.uploads.folder.iterdir()] == [kept.parent.name]


async def test_a_file_of_the_user_is_never_removed(site: HttpSite, tmp_path: Path) -> None:
    own = tmp_path / "own.wav"
    own.write_bytes(WAV)
    site.bridge.subscribe(site.uploads.follow(site.bridge.job))
    await post_json(site, {"path": str(own)})
    site.bridge.publish(Ended(job="job1", outcome="done", unix_seconds=1.0))
    assert own.exists()


KEY = b"Idempotency-Key: abc\r\n"


async def test_a_repeated_request_has_one_effect_and_one_answer(site: HttpSite) -> None:
    first, second = [await post_json(site, {"path": "/a.wav"}, more=KEY) for _ in range(2)]
    assert (first.status, first.body) == (second.status, second.body)
    assert len(submitted(site)) == 1
    other = await post_json(site, {"path": "/b.wav"}, more=KEY)
    assert (other.status, other.json["code"]) == (422, "bad_arguments")
    assert (await post_json(site, {"path": "/a.wav"}, more=b"Idempotency-Key: \r\n")).status == 400
    assert len(submitted(site)) == 1


async def test_a_repeated_clip_is_stored_once(site: HttpSite) -> None:
    answers = [await site.post("/jobs?filename=a.wav", WAV, "audio/wav", more=KEY) for _ in range(2)]
    assert [answer.json["id"] for answer in answers] == ["job1", "job1"]
    assert len(clips(site)) == 1
    for body, name in ((WAV + b"x", "a.wav"), (WAV, "b.wav")):
        assert (await site.post(f"/jobs?filename={name}", body, "audio/wav", more=KEY)).status == 422
    assert len(clips(site)) == 1


async def test_a_repetition_waits_for_the_first_and_gets_its_answer(site: HttpSite) -> None:
    site.bridge.seen = asyncio.Event()
    asked = [asyncio.ensure_future(post_json(site, {"path": "/a.wav"}, more=KEY)) for _ in range(3)]
    done, _ = await asyncio.wait(asked, timeout=0.2)
    assert not done
    site.bridge.seen.set()
    assert {(await answer).body for answer in asked} == {asked[0].result().body}
    assert len(submitted(site)) == 1


async def test_of_a_request_that_fails_unexpectedly_no_clip_stays_nor_of_its_repetition(
    site: HttpSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = asyncio.Event()

    async def fails(*_: object, **__: object) -> None:
        await both.wait()
        raise RuntimeError("a bug")

    monkeypatch.setattr(site.bridge, "submit", fails)
    asking = [asyncio.create_task(site.post("/jobs?filename=a.wav", WAV, "audio/wav", more=KEY)) for _ in range(2)]
    await asyncio.wait(asking, timeout=0.2)  # until the second waits for the first
    both.set()
    assert [(await one).status for one in asking] == [500, 500]
    assert clips(site) == []


@pytest.mark.parametrize(("refusal", "status"), [(QueueFull("Full."), 503), (NotFound("There is no file."), 422)])
async def test_after_a_refusal_the_same_key_asks_anew(site: HttpSite, refusal: BridgeError, status: int) -> None:
    site.bridge.refuse = refusal
    assert (await post_json(site, {"path": "/a.wav"}, more=KEY)).status == status
    site.bridge.refuse = None
    assert (await post_json(site, {"path": "/a.wav"}, more=KEY)).status == 201


async def test_keys_are_forgotten_after_a_day_and_beyond_a_number() -> None:
    clock, asked = FakeClock(), list[int]()
    repeats = Repeats[int](clock, keeps=lambda _: True)

    async def ask() -> int:
        asked.append(1)
        return len(asked)

    assert await repeats.answer("a", b"", ask) == (1, False)
    assert await repeats.answer("a", b"", ask) == (1, True)
    clock.advance(MEMORY_SECONDS)
    assert await repeats.answer("a", b"", ask) == (2, False)
    for number in range(MAX_KEYS):
        await repeats.answer(f"{number}", b"", ask)
    assert await repeats.answer("a", b"", ask) == (MAX_KEYS + 3, False)
    assert (await repeats.answer("", b"", ask))[1] is (await repeats.answer("", b"", ask))[1] is False


async def test_a_client_that_gives_up_finds_its_answer_later(site: HttpSite) -> None:
    site.bridge.seen = asyncio.Event()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(post_json(site, {"path": "/a.wav"}, more=KEY), 0.2)
    site.bridge.seen.set()
    assert (await post_json(site, {"path": "/a.wav"}, more=KEY)).json["id"] == "job1"
    assert len(submitted(site)) == 1


DONE = Job(id="j1", name="a", request=request_for("/a.wav"), submitted_unix=1.0, state="done")


async def test_a_live_job_is_cancelled_and_one_that_is_over_goes_off_the_list(site: HttpSite) -> None:
    site.bridge.table.update(j1=DONE, j2=Job(id="j2", name="b", request=request_for("/b.wav"), submitted_unix=1.0))
    assert (await site.get("/jobs/j2", method="DELETE")).status == 202
    assert (await site.get("/jobs/j1", method="DELETE")).status == 204
    assert site.bridge.asked == [("cancel", "j2"), ("remove", "j1")]
    assert (await site.get("/jobs/j1", method="DELETE")).status == 404


async def test_notes_are_played_and_stopped(site: HttpSite) -> None:
    site.bridge.table["j1"] = DONE
    assert (await site.post("/jobs/j1/play")).status == 204
    assert (await site.post("/jobs/j1/play", b'{"stems": ["vocals"], "sync": "clock"}')).status == 204
    assert (await site.post("/jobs/j1/stop")).status == 204
    assert site.bridge.asked == [("play", "j1", None), ("play", "j1", ("vocals",), "clock"), ("stop", "j1")]
    for wrong in (b'{"stems": []}', b'{"stems": "vocals"}', b'{"stems": [[]]}', b'{"sync": "x"}', b'{"x": 1}', b"[]"):
        assert (await site.post("/jobs/j1/play", wrong)).status == 400
    site.bridge.refuse = EngineFailed("No MIDI.")
    assert (await site.post("/jobs/j1/play")).status == 503
    assert (await site.post("/jobs/none/play")).status == 404
