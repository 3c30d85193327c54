"""A bridge joins its farm, or says why it does not."""

from __future__ import annotations

import pytest

from bridge.app import _join_farm
from bridge.config import Settings
from bridge.errors import EngineFailed
from bridge.events import Noticed
from bridge.farm.client import FarmComputer
from bridge.farm.runner import FarmRunner, RunnerReports
from tests.support.fakes import FakeClock


@pytest.mark.parametrize("error", [EngineFailed("No process starts."), OSError("no more processes")])
async def test_a_farm_that_cannot_be_used_is_told_and_jobs_need_not_wait_for_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> FarmComputer:
        raise error

    monkeypatch.setattr(FarmComputer, "open", refuse)
    told: list[Noticed] = []
    slots: list[int] = []
    reports = RunnerReports(
        on_event=lambda _: None,
        on_live_notes=lambda _: None,
        on_free=slots.append,
        on_job_lost=lambda *_: None,
        publish=lambda _: None,
    )
    runner = FarmRunner(FakeClock(), reports, awaits_farm=True)
    await _join_farm(runner, Settings(cluster="tls://127.0.0.1:1"), told.append)
    assert not runner.awaits_farm
    runner.on_worker_ready()
    assert slots[-1] == 1
    (notice,) = told
    assert notice.level == "warning" and str(error).rstrip(".").split(".")[0] in notice.message
