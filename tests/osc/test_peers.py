from __future__ import annotations

import pytest

from bridge.errors import TooManyClients
from bridge.osc.peers import (
    ANNOUNCED_IDLE_SECONDS,
    IDLE_SECONDS,
    MAX_PEERS,
    MAX_PEERS_OF_MACHINE,
    MAX_SOURCES_OF_PEER,
    MAX_SUBSCRIBERS,
    MAX_SUBSCRIBERS_OF_MACHINE,
    MAX_TTL_SECONDS,
    Peers,
)
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
    peers.subscribe(peers.renew(MAX), 60)
    moved = peers.announce(MAX, 9721)
    assert (moved.id, moved.jobs, peers.recipients("other")) == (1, {"j1"}, [moved])
    assert peers.announce(MAX, 0).endpoint == MAX


def test_a_reloaded_device_is_the_same_peer(peers: Peers) -> None:
    before = peers.announce(MAX, 9721)
    peers.subscribe(before, 60)
    peers.renew(SHELL).add_job("j2")
    after = peers.announce(SHELL, 9721)
    assert after is before
    assert after.jobs == {"j2"}
    assert peers.recipients("j1") == [before]


def test_a_subscription_expires_after_its_time_to_live_without_messages(peers: Peers, clock: FakeClock) -> None:
    peer = peers.renew(MAX)
    peers.subscribe(peer, 30)
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
    peers.subscribe(peer, 60)
    peer.add_job("j1")
    peer.unsubscribe()
    assert peers.recipients("j1") == []
    assert peer.jobs == {"j1"}  # still its own, to cancel
    peer.add_job("j2")
    assert peers.recipients("j2") == [peer]


def test_a_flood_of_senders_replaces_the_idle_ones_first(peers: Peers) -> None:
    subscriber = peers.renew(MAX)
    peers.subscribe(subscriber, 60)
    worker = peers.renew(SHELL)
    worker.add_job("j1")
    for port in range(MAX_PEERS * 2):
        peers.renew(("10.0.0.1", port))
        peers.renew(("127.0.0.1", port))
    assert peers.recipients("j1") == [subscriber, worker]
    assert len(peers) <= MAX_PEERS
    assert peers.renew(("10.0.0.1", 0)).id > MAX_PEERS  # the first one was dropped


def test_a_flood_of_announcements_keeps_the_clients_that_listen(peers: Peers) -> None:
    listening = peers.announce(MAX, 9721)
    peers.subscribe(listening, 60)
    for port in range(10_000, 20_000):
        peers.announce(("127.0.0.1", port), 9722)
    known = [port for port in range(10_000, 20_000) if peers.endpoint_of(("127.0.0.1", port))[1] == 9722]
    assert known == list(range(20_000 - MAX_SOURCES_OF_PEER, 20_000))
    for number in range(4_000):
        peers.announce((f"10.0.{number // 250}.{number % 250}", 9000), 9722)
    assert len(peers) <= MAX_PEERS
    assert peers.renew(MAX) is listening


def test_every_announcement_in_a_full_table_is_taken_or_refused(peers: Peers) -> None:
    for port in range(MAX_PEERS_OF_MACHINE):
        peers.renew(("127.0.0.1", port)).add_job(f"j{port}")
    with pytest.raises(TooManyClients, match="512 programs"):
        peers.announce(("127.0.0.1", 60_000), 9721)
    assert peers.renew(("127.0.0.1", 60_000)).jobs == set()
    peers.forget_job("j7")
    assert peers.announce(("127.0.0.1", 60_000), 9721).endpoint == ("127.0.0.1", 9721)


def test_a_machine_has_a_limited_number_of_subscribers_and_none_puts_out_another(
    peers: Peers, clock: FakeClock
) -> None:
    first = [peers.renew(("127.0.0.1", port)) for port in range(MAX_SUBSCRIBERS_OF_MACHINE)]
    for peer in first:
        peers.subscribe(peer, 60)
    with pytest.raises(TooManyClients, match="32 programs of your machine"):
        peers.subscribe(peers.renew(("127.0.0.1", 60_000)), 60)
    peers.subscribe(first[0], 60)  # who is subscribed may renew it
    other = peers.renew(("10.0.0.1", 1))
    peers.subscribe(other, 60)
    assert peers.recipients("j1") == [*first, other]
    clock.advance(61)
    peers.subscribe(peers.renew(("127.0.0.1", 60_000)), 60)


def test_all_machines_together_have_a_limited_number_of_subscribers(peers: Peers) -> None:
    for number in range(MAX_SUBSCRIBERS):
        peers.subscribe(peers.renew((f"10.0.0.{number}", 9000)), 60)
    with pytest.raises(TooManyClients, match="256 programs are"):
        peers.subscribe(peers.renew(MAX), 60)


def test_a_client_that_is_silent_for_an_hour_is_forgotten(peers: Peers, clock: FakeClock) -> None:
    peers.subscribe(peers.renew(MAX), 86_400)
    clock.advance(MAX_TTL_SECONDS)
    assert len(peers.all_recipients()) == 1
    clock.advance(1)
    assert peers.all_recipients() == []
    peers.forget_idle(lambda _: True)
    assert len(peers) == 0


def test_a_client_whose_port_is_closed_is_forgotten(peers: Peers) -> None:
    peer = peers.announce(MAX, 9721)
    peers.subscribe(peer, 60)
    peer.add_job("j1")
    peers.forget_dead(("127.0.0.1", 9721))
    assert peers.recipients("j1") == peers.all_recipients() == []


def test_idle_clients_are_forgotten_though_they_say_nothing(peers: Peers, clock: FakeClock) -> None:
    peers.renew(MAX)
    worker = peers.renew(ONE_SHOT)
    worker.add_job("j1")
    peers.announce(SHELL, 9721)
    clock.advance(IDLE_SECONDS + 1)
    peers.forget_idle(lambda _: True)
    assert len(peers) == 2
    assert peers.endpoint_of(SHELL) == ("127.0.0.1", 9721)
    clock.advance(ANNOUNCED_IDLE_SECONDS)
    peers.forget_idle(lambda _: True)
    assert (len(peers), peers.endpoint_of(SHELL)) == (1, SHELL)
    peers.forget_idle(lambda _: False)  # its job is over
    assert len(peers) == 0


ONE_SHOT = ("127.0.0.1", 61_000)
STRANGER = ("127.0.0.1", 61_001)


def test_a_shell_hears_the_answers_and_the_jobs_of_new_ports_on_its_machine(peers: Peers) -> None:
    shell = peers.announce(SHELL, 9721)
    one_shot = peers.renew(ONE_SHOT)
    peers.subscribe(one_shot, 60)
    one_shot.add_job("job1")
    assert one_shot.endpoints == (ONE_SHOT, ("127.0.0.1", 9721))
    assert {peer.endpoint for peer in peers.recipients("job1")} == set(one_shot.endpoints)
    assert one_shot.owner is shell
    assert (one_shot.jobs, shell.jobs) == ({"job1"}, set())
    one_shot.unsubscribe()
    assert peers.recipients("job2") == [shell]


def test_a_client_that_uses_its_port_twice_is_no_shell(peers: Peers) -> None:
    peers.announce(MAX, 9721)
    peers.renew(MAX)
    newcomer = peers.renew(ONE_SHOT)
    assert newcomer.endpoints == (ONE_SHOT,)
    peers.subscribe(newcomer, 60)
    newcomer.add_job("job1")
    assert peers.recipients("job1") == [newcomer]


def test_a_new_port_never_shortens_the_subscription_of_a_shell(peers: Peers, clock: FakeClock) -> None:
    shell = peers.announce(SHELL, 9721)
    peers.subscribe(peers.renew(ONE_SHOT), 3_600)
    peers.subscribe(peers.renew(STRANGER), 1)
    clock.advance(3_599)
    assert peers.recipients("job1") == [shell, peers.of(ONE_SHOT)]


def test_other_senders_do_not_renew_a_silent_subscriber(peers: Peers, clock: FakeClock) -> None:
    peers.subscribe(peers.announce(MAX, 9721), 1)
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
