"""What `sab submit` says where the bridge refuses, also with a code that only a later bridge knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli.clips import NamedClips
from bridge.cli.main import app
from bridge.cli.sending import followed_jobs
from bridge.cli.submit import submit_file, submit_group
from bridge.config import Settings
from bridge.errors import BridgeError, error_for
from bridge.model import Job
from bridge.osc.server import serve_osc
from bridge.request import JobRequest
from tests.support.fakes import FakeBridge, FakeClock

CLIPS = NamedClips([Path("/a.wav"), Path("/b.wav")], is_group=True)


@dataclass
class Refusing(FakeBridge):
    """Refuses the first submissions with these codes."""

    codes: list[str] = field(default_factory=list)

    async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
        if self.codes:
            raise error_for(self.codes.pop(0), "It is so.", "Do this.")
        return await super().submit(request, sender, origin)


@asynccontextmanager
async def refusing(*codes: str) -> AsyncIterator[tuple[Refusing, Settings]]:
    bridge = Refusing(codes=[*codes])
    async with serve_osc(bridge, FakeClock(), port=0, defaults=JobRequest(source=""), notice=lambda _: None) as server:
        yield bridge, Settings(port=server.port)


@pytest.mark.parametrize("code", ["busy", "not_allowed", "too_many_clients", "not_kept", "of_a_later_version"])
async def test_a_refusal_keeps_its_code_and_its_advice(code: str) -> None:
    async with refusing(code) as (_, settings):
        with pytest.raises(BridgeError) as refused:
            await submit_file(settings, "/a.wav", {}, wait=False)
    assert (refused.value.code, str(refused.value)) == (code, "It is so. Do this.")


@pytest.mark.parametrize("words", [["--out", "/x", "/a.wav"], ["/a.wav", "--out", "/x"], ["/a.wav", "--out=/x"]])
def test_an_option_with_hyphens_is_no_file(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["submit", *words])
    assert done.exit_code == 2
    assert "out VALUE" in done.stderr


@pytest.mark.parametrize("code", ["not_allowed", "too_many_clients", "not_kept"])
async def test_what_every_clip_would_be_told_is_told_once(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with refusing(code) as (bridge, settings):
        with pytest.raises(BridgeError) as refused:
            await submit_group(settings, CLIPS, {}, wait=False)
    assert refused.value.code == code
    assert not bridge.jobs()
    assert capsys.readouterr() == ("", "")


async def test_a_busy_bridge_is_asked_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_jobs, "BUSY_SECONDS", 0.0)
    async with refusing("busy", "busy") as (_, settings):
        assert await submit_group(settings, CLIPS, {}, wait=False) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == ""


async def test_one_clip_that_is_refused_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    async with refusing("not_audio") as (_, settings):
        assert await submit_group(settings, CLIPS, {}, wait=False) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert err == "sab: not_audio: /a.wav: It is so. Do this.\n"
