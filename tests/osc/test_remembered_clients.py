from __future__ import annotations

import pytest

from bridge.osc.addresses import PONG
from bridge.osc.subscribers import MAX_CLIENTS, MAX_REMEMBERED_REQS, MAX_SOURCES, Answers, Clients
from tests.support.fakes import FakeClock

MAX = ("127.0.0.1", 50_000)
SHELL = ("127.0.0.1", 50_001)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def clients(clock: FakeClock) -> Clients:
    return Clients(clock)


def test_a_client_keeps_its_number_and_listens_where_it_sends_from(clients: Clients) -> None:
    first, second = clients.heard(MAX), clients.heard(SHELL)
    assert (first.id, first.endpoint) == (1, MAX)
    assert (second.id, second.endpoint) == (2, SHELL)
    assert clients.heard(MAX) is first


def test_an_announced_port_is_on_the_senders_machine(clients: Clients) -> None:
    assert clients.announced(MAX, 9721).endpoint == ("127.0.0.1", 9721)
    assert clients.announced(("::1", 50_000, 0, 3), 9721).endpoint == ("::1", 9721, 0, 3)


def test_a_client_that_announces_a_port_keeps_its_jobs_and_subscription(clients: Clients) -> None:
    clients.heard(MAX).submitted("j1")
    clients.heard(MAX).subscribe(60)
    moved = clients.announced(MAX, 9721)
    assert (moved.id, moved.jobs, clients.listeners("other")) == (1, {"j1"}, [moved])
    assert clients.announced(MAX, 0).endpoint == MAX


def test_a_device_that_was_reloaded_takes_its_old_place(clients: Clients) -> None:
    before = clients.announced(MAX, 9721)
    before.subscribe(60)
    clients.heard(SHELL).submitted("j2")
    after = clients.announced(SHELL, 9721)
    assert after is before
    assert after.jobs == {"j2"}
    assert clients.listeners("j1") == [before]


def test_silence_for_longer_than_the_time_to_live_drops_a_subscriber(clients: Clients, clock: FakeClock) -> None:
    client = clients.heard(MAX)
    client.subscribe(30)
    clock.advance(29)
    clients.heard(MAX)
    clock.advance(30)
    assert clients.listeners("j1") == [client]
    clock.advance(0.1)
    assert clients.listeners("j1") == clients.audience() == []
    clients.heard(MAX)
    assert clients.listeners("j1") == []  # speaking again is not subscribing again


def test_who_submitted_a_job_is_told_about_it_alone(clients: Clients, clock: FakeClock) -> None:
    client = clients.heard(MAX)
    client.submitted("j1")
    clock.advance(10_000)
    assert clients.listeners("j1") == clients.audience() == [client]
    assert clients.listeners("j2") == []
    clients.forget_job("j1")
    assert clients.listeners("j1") == clients.audience() == []


def test_unsubscribing_ends_everything_but_what_is_submitted_later(clients: Clients) -> None:
    client = clients.heard(MAX)
    client.subscribe(60)
    client.submitted("j1")
    client.unsubscribe()
    assert clients.listeners("j1") == []
    assert client.jobs == {"j1"}  # still its own, to cancel
    client.submitted("j2")
    assert clients.listeners("j2") == [client]


def test_a_flood_of_senders_pushes_out_the_idle_ones_first(clients: Clients) -> None:
    subscriber = clients.heard(MAX)
    subscriber.subscribe(60)
    worker = clients.heard(SHELL)
    worker.submitted("j1")
    for port in range(MAX_CLIENTS * 2):
        clients.heard(("10.0.0.1", port))
    assert clients.listeners("j1") == [subscriber, worker]
    assert clients.heard(("10.0.0.1", 0)).id > MAX_CLIENTS  # was forgotten


def test_a_flood_of_announcements_pushes_out_the_oldest(clients: Clients) -> None:
    for port in range(MAX_SOURCES + 1):
        clients.announced(("10.0.0.1", port), 9721)
    assert clients.heard(("10.0.0.1", 0)).endpoint == ("10.0.0.1", 0)
    assert clients.heard(("10.0.0.1", 1)).endpoint == ("10.0.0.1", 9721)


def test_an_answer_is_remembered_for_a_minute_by_address_and_token() -> None:
    answers = Answers()
    answers.begin("/sab/submit", "a", now=0).replies = [PONG("x")]
    remembered = answers.recall("/sab/submit", "a", now=60)
    assert remembered is not None
    assert remembered.replies == [PONG("x")]
    assert answers.recall("/sab/play", "a", now=1) is None
    assert answers.recall("/sab/submit", "a", now=60.1) is None


def test_a_failed_request_is_forgotten_and_the_memory_is_bounded() -> None:
    answers = Answers()
    answers.begin("/sab/submit", "a", now=0)
    answers.forget("/sab/submit", "a")
    assert answers.recall("/sab/submit", "a", now=0) is None
    for number in range(MAX_REMEMBERED_REQS + 1):
        answers.begin("/sab/submit", str(number), now=1)
    assert answers.recall("/sab/submit", "0", now=1) is None
    assert answers.recall("/sab/submit", "1", now=1) is not None


ONE_SHOT = ("127.0.0.1", 61_000)


def test_a_sender_that_never_says_hello_speaks_for_whoever_announced_a_port_on_its_machine(clients: Clients) -> None:
    listener = clients.announced(MAX, 9721)
    stranger = clients.heard(ONE_SHOT)
    stranger.subscribe(60)
    stranger.submitted("job1")
    assert stranger.endpoints == (ONE_SHOT, ("127.0.0.1", 9721))
    assert {client.endpoint for client in clients.listeners("job1")} == set(stranger.endpoints)
    assert stranger.memory is listener.memory
    assert stranger.own_jobs == {"job1"}
    stranger.unsubscribe()
    assert clients.listeners("job2") == [listener]


def test_strangers_do_not_keep_a_silent_subscriber_alive(clients: Clients, clock: FakeClock) -> None:
    clients.announced(MAX, 9721).subscribe(1)
    clock.advance(2)
    clients.heard(ONE_SHOT)
    assert clients.listeners("job1") == []


def test_whoever_says_hello_speaks_for_itself(clients: Clients) -> None:
    clients.announced(MAX, 9721)
    assert clients.announced(ONE_SHOT, 0).endpoints == (ONE_SHOT,)
    assert clients.heard(ONE_SHOT).endpoints == (ONE_SHOT,)


def test_whoever_sends_twice_from_one_port_listens_there(clients: Clients) -> None:
    clients.announced(MAX, 9721)
    assert len(clients.heard(ONE_SHOT).endpoints) == 2
    assert clients.heard(ONE_SHOT).endpoints == (ONE_SHOT,)


def test_nobody_speaks_for_another_machine(clients: Clients) -> None:
    clients.announced(MAX, 9721)
    assert clients.heard(("10.0.0.7", 61_000)).endpoints == (("10.0.0.7", 61_000),)
