from __future__ import annotations

import pytest

from bridge.osc.addresses import PONG
from bridge.osc.peers import MAX_PEERS, MAX_REMEMBERED_REQS, MAX_SOURCES, Peers, RecentAnswers
from tests.support.fakes import FakeClock

MAX = ("127.0.0.1", 50_000)
SHELL = ("127.0.0.1", 50_001)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def peers(clock: FakeClock) -> Peers:
    return Peers(clock)


def test_a_peer_keeps_its_id_and_listens_where_it_sends_from(peers: Peers) -> None:
    first, second = peers.renew(MAX), peers.renew(SHELL)
    assert (first.id, first.endpoint) == (1, MAX)
    assert (second.id, second.endpoint) == (2, SHELL)
    assert peers.renew(MAX) is first


def test_an_announced_port_is_on_the_senders_host(peers: Peers) -> None:
    assert peers.announce(MAX, 9721).endpoint == ("127.0.0.1", 9721)
    assert peers.announce(("::1", 50_000, 0, 3), 9721).endpoint == ("::1", 9721, 0, 3)


def test_a_peer_that_announces_a_port_keeps_its_jobs_and_subscription(peers: Peers) -> None:
    peers.renew(MAX).add_job("j1")
    peers.renew(MAX).subscribe(60)
    moved = peers.announce(MAX, 9721)
    assert (moved.id, moved.jobs, peers.recipients("other")) == (1, {"j1"}, [moved])
    assert peers.announce(MAX, 0).endpoint == MAX


def test_a_reloaded_device_is_the_same_peer(peers: Peers) -> None:
    before = peers.announce(MAX, 9721)
    before.subscribe(60)
    peers.renew(SHELL).add_job("j2")
    after = peers.announce(SHELL, 9721)
    assert after is before
    assert after.jobs == {"j2"}
    assert peers.recipients("j1") == [before]


def test_a_subscription_expires_after_its_time_to_live_without_messages(peers: Peers, clock: FakeClock) -> None:
    peer = peers.renew(MAX)
    peer.subscribe(30)
    clock.advance(29)
    peers.renew(MAX)
    clock.advance(30)
    assert peers.recipients("j1") == [peer]
    clock.advance(0.1)
    assert peers.recipients("j1") == peers.all_recipients() == []
    peers.renew(MAX)
    assert peers.recipients("j1") == []  # a new message does not renew an expired subscription


def test_a_submitter_receives_only_its_own_job(peers: Peers, clock: FakeClock) -> None:
    peer = peers.renew(MAX)
    peer.add_job("j1")
    clock.advance(10_000)
    assert peers.recipients("j1") == peers.all_recipients() == [peer]
    assert peers.recipients("j2") == []
    peers.forget_job("j1")
    assert peers.recipients("j1") == peers.all_recipients() == []


def test_unsubscribing_stops_all_pushes_except_for_later_jobs(peers: Peers) -> None:
    peer = peers.renew(MAX)
    peer.subscribe(60)
    peer.add_job("j1")
    peer.unsubscribe()
    assert peers.recipients("j1") == []
    assert peer.jobs == {"j1"}  # still its own, to cancel
    peer.add_job("j2")
    assert peers.recipients("j2") == [peer]


def test_a_flood_of_senders_replaces_the_idle_ones_first(peers: Peers) -> None:
    subscriber = peers.renew(MAX)
    subscriber.subscribe(60)
    worker = peers.renew(SHELL)
    worker.add_job("j1")
    for port in range(MAX_PEERS * 2):
        peers.renew(("10.0.0.1", port))
    assert peers.recipients("j1") == [subscriber, worker]
    assert peers.renew(("10.0.0.1", 0)).id > MAX_PEERS  # the first one was dropped


def test_a_flood_of_announcements_replaces_the_oldest(peers: Peers) -> None:
    for port in range(MAX_SOURCES + 1):
        peers.announce(("10.0.0.1", port), 9721)
    assert peers.renew(("10.0.0.1", 0)).endpoint == ("10.0.0.1", 0)
    assert peers.renew(("10.0.0.1", 1)).endpoint == ("10.0.0.1", 9721)


def test_an_answer_is_remembered_for_a_minute_by_address_and_token() -> None:
    answers = RecentAnswers()
    answers.begin("/sab/submit", "a", now=0).replies = [PONG("x")]
    remembered = answers.recall("/sab/submit", "a", now=60)
    assert remembered is not None
    assert remembered.replies == [PONG("x")]
    assert answers.recall("/sab/play", "a", now=1) is None
    assert answers.recall("/sab/submit", "a", now=60.1) is None


def test_a_failed_request_is_forgotten_and_the_memory_is_bounded() -> None:
    answers = RecentAnswers()
    answers.begin("/sab/submit", "a", now=0)
    answers.forget("/sab/submit", "a")
    assert answers.recall("/sab/submit", "a", now=0) is None
    for number in range(MAX_REMEMBERED_REQS + 1):
        answers.begin("/sab/submit", str(number), now=1)
    assert answers.recall("/sab/submit", "0", now=1) is None
    assert answers.recall("/sab/submit", "1", now=1) is not None


ONE_SHOT = ("127.0.0.1", 61_000)


def test_a_sender_without_hello_sends_for_the_peer_that_announced_a_port_on_its_host(peers: Peers) -> None:
    announcer = peers.announce(MAX, 9721)
    one_shot = peers.renew(ONE_SHOT)
    one_shot.subscribe(60)
    one_shot.add_job("job1")
    assert one_shot.endpoints == (ONE_SHOT, ("127.0.0.1", 9721))
    assert {peer.endpoint for peer in peers.recipients("job1")} == set(one_shot.endpoints)
    assert one_shot.recent_answers is announcer.recent_answers
    assert one_shot.own_jobs == {"job1"}
    one_shot.unsubscribe()
    assert peers.recipients("job2") == [announcer]


def test_other_senders_do_not_renew_a_silent_subscriber(peers: Peers, clock: FakeClock) -> None:
    peers.announce(MAX, 9721).subscribe(1)
    clock.advance(2)
    peers.renew(ONE_SHOT)
    assert peers.recipients("job1") == []


def test_a_sender_with_hello_sends_for_itself(peers: Peers) -> None:
    peers.announce(MAX, 9721)
    assert peers.announce(ONE_SHOT, 0).endpoints == (ONE_SHOT,)
    assert peers.renew(ONE_SHOT).endpoints == (ONE_SHOT,)


def test_a_sender_that_uses_one_port_twice_listens_there(peers: Peers) -> None:
    peers.announce(MAX, 9721)
    assert len(peers.renew(ONE_SHOT).endpoints) == 2
    assert peers.renew(ONE_SHOT).endpoints == (ONE_SHOT,)


def test_no_sender_sends_for_another_host(peers: Peers) -> None:
    peers.announce(MAX, 9721)
    assert peers.renew(("10.0.0.7", 61_000)).endpoints == (("10.0.0.7", 61_000),)
