from __future__ import annotations

import pytest

from bridge.osc.addresses import PONG
from bridge.osc.recent_answers import MAX_ANSWERS, MAX_ANSWERS_OF_MACHINE, Asked, RecentAnswers
from tests.support.fakes import FakeClock

HERE, THERE = "here", "there"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def answers(clock: FakeClock) -> RecentAnswers:
    return RecentAnswers(clock)


def asked(req: object, client: int = 1, address: str = "/sab/submit") -> Asked:
    return Asked(client, address, str(req))


def test_an_answer_is_remembered_for_a_minute_by_client_address_and_token(
    answers: RecentAnswers, clock: FakeClock
) -> None:
    answers.begin(HERE, asked("a")).replies = [PONG("x")]
    clock.advance(60)
    remembered = answers.recall(HERE, asked("a"))
    assert remembered is not None
    assert remembered.replies == [PONG("x")]
    assert answers.recall(HERE, asked("a", address="/sab/play")) is None
    assert answers.recall(HERE, asked("a", client=2)) is None
    clock.advance(0.1)
    assert answers.recall(HERE, asked("a")) is None


def test_a_failed_request_is_forgotten(answers: RecentAnswers) -> None:
    answers.forget(answers.begin(HERE, asked("a")))
    assert answers.recall(HERE, asked("a")) is None
    assert len(answers) == 0


def test_old_answers_are_forgotten_though_nobody_asks_again(answers: RecentAnswers, clock: FakeClock) -> None:
    for number in range(100):
        answers.begin(HERE, asked(number))
    clock.advance(30)
    answers.begin(THERE, asked("young"))
    clock.advance(31)
    answers.forget_old()
    assert len(answers) == 1
    assert answers.recall(THERE, asked("young")) is not None


def test_one_machine_forgets_its_own_oldest_and_nobody_elses(answers: RecentAnswers) -> None:
    answers.begin(THERE, asked("theirs"))
    for number in range(MAX_ANSWERS_OF_MACHINE + 1):
        answers.begin(HERE, asked(number, client=number % 7))
    assert len(answers) == MAX_ANSWERS_OF_MACHINE + 1
    assert answers.recall(HERE, asked(0, client=0)) is None
    assert answers.recall(HERE, asked(1, client=1)) is not None
    assert answers.recall(THERE, asked("theirs")) is not None


def test_all_machines_together_have_a_limit(answers: RecentAnswers) -> None:
    for number in range(MAX_ANSWERS + 500):
        answers.begin(str(number % 10), asked(number))
    assert len(answers) == MAX_ANSWERS
