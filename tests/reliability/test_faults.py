"""A sample of the injected faults, some of each kind; `python -m tests.reliability.faults` injects all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.reliability import report
from tests.reliability.case import Case
from tests.reliability.fault import Fault
from tests.reliability.faults import COLUMNS, Row, inject, inject_in_turns, times_of
from tests.reliability.output_files import left_over, missing_or_broken
from tests.reliability.place import Place, differences
from tests.reliability.table import FAULTS
from tests.support.sounds import music, write

SEED = 16
#: Bench → the faults of the sample that can share it.
SAMPLES: dict[str, list[Fault]] = {}
for _fault in FAULTS:
    if _fault.quick:
        SAMPLES.setdefault(getattr(_fault.bench, "__name__", ""), []).append(_fault)


@pytest.mark.end_to_end
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.timeout(400)  # a dozen faults on one bridge
@pytest.mark.parametrize("faults", SAMPLES.values(), ids=SAMPLES)
async def test_a_fault_loses_nothing(faults: Sequence[Fault]) -> None:
    rows = await inject_in_turns(faults, 1, SEED)
    wrong = [f"{row.fault}: {row.note}" for row in rows if row.held != 1]
    assert not wrong, "\n".join(wrong)


async def _lose_a_file(case: Case) -> None:
    job = await case.submit(case.clip(), "midi", "none")
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    next(iter(case.bench.jobs[job].files)).write_bytes(b"RIFF")
    (case.folder / "stems" / ".hidden").touch()
    (case.bench.place.outside / "letter.txt").write_text("mine")
    case.expected[job] = ("cancelled",)


@pytest.mark.end_to_end
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_judge_sees_what_is_lost_partial_and_outside() -> None:
    row = await inject(Fault("", "", _lose_a_file, 1), 1, SEED)
    assert [getattr(row, column) for column in ("times", "held", *COLUMNS)] == [1, 0, 1, 0, 1, 1]


def test_half_files_and_files_without_an_event_are_seen(tmp_path: Path) -> None:
    whole, told = write(tmp_path / "a.wav", music(0.5)), write(tmp_path / "b.wav", music(0.5))
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.sab.json").write_text("{")
    (tmp_path / "link").symlink_to(whole)
    assert sorted(left_over(tmp_path, {told}, {tmp_path / "empty"})) == [
        "a file that no event told of: a.wav",
        "a link link that nobody planted",
        "half a record a.sab.json",
    ]
    assert not [*missing_or_broken(told, 0.5)]
    assert [*missing_or_broken(told, 0.6)] and [*missing_or_broken(tmp_path / "c.mid", 0.0)]


def test_every_change_outside_is_seen(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.make()
    before = place.watched()
    assert differences(before, place.watched()) == []
    (place.outside / "letter.txt").write_text("changed")
    place.secret.unlink()
    (tmp_path / "inside 2").mkdir()
    assert differences(before, place.watched()) == [
        "inside 2 was written",
        "outside/letter.txt was changed",
        "outside/secret.wav is gone",
    ]


def test_a_thousand_faults_are_spread_over_all_rows() -> None:
    assert sum(times_of(fault, 1000) for fault in FAULTS) >= 990
    assert all(times_of(fault, 10) >= 1 for fault in FAULTS)


def test_rows_become_a_table_between_the_marks() -> None:
    row = Row("killed", "the | server", times=1200, held=1199, lost=1, note="lost: <b>")
    lines = report.table([vars(row), vars(row)]).splitlines()
    assert lines[2:4] == ["| **killed** | | | | | | |", "| the / server | 1 200 | 1 199 | 1 | 0 | 0 | 0 |"]
    assert lines[-1] == "| **all** | 2 400 | 2 398 | 2 | 0 | 0 | 0 |"
