"""A small sample of `fuzz_osc`; its figures with 200 000 datagrams stand in docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.fuzz_osc import Fuzzer, fuzz, row

pytestmark = pytest.mark.end_to_end


async def test_two_thousand_hostile_datagrams_cost_nobody_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAB_CACHE_DIR", str(tmp_path / "cache"))
    figures = await fuzz(2_000, seed=1, folder=tmp_path)
    assert (figures.sent, figures.pings) == (2_000, 4)
    assert (figures.ended, figures.faults, figures.silent) == (0, [], 0), row(figures)["note"]


def test_the_same_seed_gives_the_same_datagrams(tmp_path: Path) -> None:
    first, second = (Fuzzer(7, tmp_path / "clip.wav") for _ in range(2))
    datagrams = [first.datagram() for _ in range(300)]
    assert [second.datagram() for _ in range(300)] == datagrams
    assert len(set(datagrams)) > 250
