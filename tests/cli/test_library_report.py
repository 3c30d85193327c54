"""What `sab library` tells: people on a terminal, and programs by --json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli.libraries.report import library_report_for
from bridge.library.session import LibraryEnd
from bridge.library.survey import Counts

OUT = Path("/music/stems").absolute()


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (Counts(found=1), "1 song: 1 to do"),
        (Counts(found=1200), "1,200 songs: 1,200 to do"),
        (Counts(found=5, done=2), "5 songs: 2 done, 0 failed before, 3 to do"),
        (Counts(found=5, failed=2), "5 songs: 0 done, 2 failed before, 3 to do"),
        (Counts(found=5, unreadable=2), "5 songs: 2 cannot be read, 3 to do"),
        (
            Counts(found=5, done=1, failed=1, unreadable=1),
            "5 songs: 1 done, 1 failed before, 1 cannot be read, 2 to do",
        ),
    ],
)
def test_the_survey_in_a_line(capsys: pytest.CaptureFixture[str], counts: Counts, told: str) -> None:
    library_report_for(OUT, json=False).surveyed(counts)
    assert capsys.readouterr().out.splitlines() == [told]


@pytest.mark.parametrize(
    ("counts", "again"),
    [(Counts(found=3, unreadable=1), ""), (Counts(found=3, failed=1), " With --again it is tried once more.")],
)
def test_the_end_says_where_the_failures_are(capsys: pytest.CaptureFixture[str], counts: Counts, again: str) -> None:
    """What cannot be read is looked at each time anyway."""
    library_report_for(OUT, json=False).conclude(LibraryEnd(counts=counts, done=2, seconds=61.0))
    assert capsys.readouterr().out.splitlines() == [
        f"2 songs done in 1:01: {OUT}",
        f"What failed is listed in {OUT / 'failed.csv'}.{again}",
    ]


def test_the_survey_and_the_end_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    report, counts = library_report_for(OUT, json=True), Counts(found=9, done=3, failed=2, unreadable=1)
    report.surveyed(counts)
    report.conclude(LibraryEnd(counts=counts, done=3, seconds=2.0))
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"event": "surveyed", "found": 9, "done": 3, "failed": 2, "unreadable": 1, "to_do": 3}
    assert last == {
        "state": "failed",
        "out": str(OUT),
        "found": 9,
        "done_before": 3,
        "failed_before": 2,
        "unreadable": 1,
        "done": 3,
        "failed": 0,
        "left": 0,
        "seconds": 2.0,
        "failures": str(OUT / "failed.csv"),
    }
