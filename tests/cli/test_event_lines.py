"""What the log keeps of a job's events."""

from __future__ import annotations

import logging

import pytest

from bridge.cli.output.event_lines import log_event
from bridge.events import Requeued


@pytest.mark.parametrize(
    ("reason", "level", "line"),
    [
        ("", logging.INFO, "abcdefgh: waits again"),
        ("the bridge was ended", logging.WARNING, "abcdefgh: waits again: the bridge was ended"),
    ],
)
def test_a_job_that_waits_again_is_logged_with_its_reason(
    caplog: pytest.LogCaptureFixture, reason: str, level: int, line: str
) -> None:
    with caplog.at_level(logging.INFO, "bridge.events"):
        log_event(Requeued(job="abcdefgh", reason=reason))
    assert caplog.record_tuples == [("bridge.events", level, line)]
