from __future__ import annotations

import logging
import threading

import pytest

from bridge.worker import __main__ as worker_main
from bridge.worker.idle import IdleTime

SECONDS = 5.0


def test_a_task_is_asked_to_stop_without_waiting() -> None:
    began, ended = threading.Event(), threading.Event()

    def work(stop: threading.Event) -> None:
        began.set()
        assert stop.wait(SECONDS)
        ended.set()

    idle = IdleTime(work)
    idle.begin()
    assert began.wait(SECONDS)
    idle.end()
    assert idle.join(SECONDS)
    assert ended.is_set()


def test_a_task_never_runs_twice_at_a_time() -> None:
    running, most = 0, 0
    may_end = threading.Event()

    def work(_: threading.Event) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        may_end.wait(SECONDS)
        running -= 1

    idle = IdleTime(work)
    idle.begin()
    idle.end()
    idle.begin()
    may_end.set()
    assert idle.join(SECONDS)
    assert most == 1


def test_a_failing_task_does_not_stop_the_others() -> None:
    ran = threading.Event()

    def fail(_: threading.Event) -> None:
        raise RuntimeError("no model")

    idle = IdleTime(fail, lambda _: ran.set())
    idle.begin()
    assert idle.join(SECONDS)
    assert ran.is_set()


@pytest.mark.parametrize("has_a_job", [False, True])
def test_memory_is_released_after_a_long_idle_time_but_not_before_a_job(
    monkeypatch: pytest.MonkeyPatch, has_a_job: bool
) -> None:
    released = []
    monkeypatch.setattr(worker_main, "release_memory", lambda: released.append(1))
    monkeypatch.setattr(worker_main, "RELEASE_AFTER_SECONDS", SECONDS if has_a_job else 0.0)
    stop = threading.Event()
    if has_a_job:
        stop.set()
    worker_main.release_idle_memory(stop)
    assert bool(released) is not has_a_job


def test_idle_time_that_ends_before_it_starts_runs_nothing() -> None:
    ran = []
    gate = threading.Event()

    def work(_: threading.Event) -> None:
        ran.append(1)
        gate.wait(SECONDS)

    idle = IdleTime(work)
    idle.begin()
    idle.end()
    idle.begin()  # waits for the first
    idle.end()
    gate.set()
    assert idle.join(SECONDS)
    assert len(ran) <= 1


def test_a_failure_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: threading.Event) -> None:
        raise OSError("no room")

    idle = IdleTime(fail)
    with caplog.at_level(logging.WARNING):
        idle.begin()
        assert idle.join(SECONDS)
    assert "no room" in caplog.text
