from __future__ import annotations

import pytest

from bridge.model import Job
from tests.support.scenes import cancelled, done, running
from tui.availability import can_act, is_possible
from tui.keys import DESK, KEYS

ALWAYS = {"connections", "stop", "panic", "help", "leave_running", "quit"}


@pytest.mark.parametrize(
    ("job", "actions"),
    [
        (None, set()),
        (running("Song", "separating", 0.5, None), {"open"}),
        (done("Song"), {"open", "play", "follow", "results"}),
        (cancelled("Song"), {"open"}),
    ],
)
def test_the_selected_job_decides_the_possible_actions(job: Job | None, actions: set[str]) -> None:
    assert {key.action for key in KEYS if is_possible(key.action, job, bridge_is_open=True)} == actions | ALWAYS


def test_without_an_open_bridge_files_help_and_quit_remain() -> None:
    possible = {key.action for key in KEYS if is_possible(key.action, done("Song"), bridge_is_open=False)}
    assert possible == {"results", "help", "quit"}


@pytest.mark.parametrize(
    ("jobs", "actions"),
    [
        ((), set()),
        ((running("Song", "separating", 0.5, None),), {"cancel_job", "again", "open_folder", "copy_folder"}),
        ((done("Song"),), {"remove", "again", "open_folder", "copy_folder"}),
        ((cancelled("Song"),), {"retry", "remove", "again"}),
        ((cancelled("One"), running("Two", "writing", 0.5, None)),
         {"cancel_job", "retry", "remove", "open_folder", "copy_folder"}),
    ],
)  # fmt: skip
def test_one_of_the_jobs_decides_what_the_table_can_do(jobs: tuple[Job, ...], actions: set[str]) -> None:
    on_the_list = {"filter", "sort", "mark", "mark_all"}
    possible = {key.action for key in DESK if can_act(key.action, jobs, bridge_is_open=True, can_undo=False)}
    assert possible == actions | on_the_list | {"add", "live"}
    closed = {key.action for key in DESK if can_act(key.action, jobs, bridge_is_open=False, can_undo=True)}
    assert closed == (actions & {"copy_folder"}) | on_the_list


def test_what_went_can_come_back() -> None:
    assert can_act("undo", (), bridge_is_open=True, can_undo=True)
