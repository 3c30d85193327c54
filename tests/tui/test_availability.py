from __future__ import annotations

import pytest

from bridge.model import Job
from tests.support.scenes import cancelled, done, running
from tui.availability import is_possible
from tui.keys import KEYS

ALWAYS = {"add", "live", "stop", "panic", "help", "quit", "leave_running"}


@pytest.mark.parametrize(
    ("job", "actions"),
    [
        (None, set()),
        (running("Song", "separating", 0.5, None), {"cancel_job"}),
        (done("Song"), {"play", "follow", "results"}),
        (cancelled("Song"), set()),
    ],
)
def test_the_selected_job_decides_the_possible_actions(job: Job | None, actions: set[str]) -> None:
    assert {key.action for key in KEYS if is_possible(key.action, job, bridge_is_open=True)} == actions | ALWAYS


def test_without_an_open_bridge_files_help_and_quit_remain() -> None:
    possible = {key.action for key in KEYS if is_possible(key.action, done("Song"), bridge_is_open=False)}
    assert possible == {"results", "help", "quit"}
