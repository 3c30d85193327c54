"""What the log keeps of a job's events."""

from __future__ import annotations

import logging

import pytest

from bridge.cli.output.event_lines import event_text, log_event
from bridge.events import MidiStarted, Requeued


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


def test_a_live_take_is_not_said_to_have_only_the_notes_that_are_known_so_far() -> None:
    start = MidiStarted(job="abcdefgh", stem="bass", seconds=4.0, notes=7)
    assert event_text(start) == "abcdefgh: playing 7 notes of bass"
    growing = MidiStarted(job="abcdefgh", stem="bass", seconds=4.0, notes=7, is_open=True)
    assert event_text(growing) == "abcdefgh: playing bass, as its notes are found"
