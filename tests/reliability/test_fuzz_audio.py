"""A sample of the fuzzer of audio files; `python -m tests.reliability.fuzz_audio` reads many thousands."""

from __future__ import annotations

import sys

import pytest

from tests.reliability.fuzz_audio import HELD, fuzz, table

COUNT = 300


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_damaged_files_of_every_format_are_read_or_refused() -> None:
    rows = fuzz(COUNT, seed=16)
    assert len(rows) == COUNT
    assert [row for row in rows if row[3] not in HELD] == []
    outcomes = {outcome for *_, outcome in rows}
    assert {"read", "not_audio"} <= outcomes, "the damage must give both outcomes"
    assert sum(int(str(row["held"])) for row in table(rows)) == COUNT
