from __future__ import annotations

from pathlib import Path

import pytest

from bridge.store.returning_subscribers import MAX_SUBSCRIBERS, ReturningSubscriber, ReturningSubscribers

CLIENT = ReturningSubscriber(
    host="127.0.0.1", port=9721, id=7, ttl_seconds=60.0, jobs=("j1", "j2"), own_jobs=("j1",), groups=(("take", "g1"),)
)
FOLLOWER = ReturningSubscriber(host="::1", port=9722, jobs=("j1",))


def test_clients_are_stored_as_they_are(tmp_path: Path) -> None:
    subscribers = ReturningSubscribers(tmp_path / "listeners.json")
    for clients in ([CLIENT], [], [CLIENT, FOLLOWER]):
        subscribers.save(clients)  # the last counts
    subscribers.close()
    assert ReturningSubscribers(tmp_path / "listeners.json").load() == (CLIENT, FOLLOWER)


def test_the_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "listeners.json").write_text('[["127.0.0.1", 9721]]', encoding="utf-8")
    assert ReturningSubscribers(tmp_path / "listeners.json").load() == (ReturningSubscriber("127.0.0.1", 9721),)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '[["a"]]',
        '[["127.0.0.1", 70000]]',
        '[{"host": "127.0.0.1", "port": 1, "ttl_seconds": 1e300}]',
        '[{"host": "127.0.0.1", "port": 1, "ttl_seconds": -1}]',
        '[{"host": "127.0.0.1", "port": 1, "jobs": [[]]}]',
    ],
)
def test_a_damaged_file_counts_as_empty(tmp_path: Path, content: str) -> None:
    (tmp_path / "listeners.json").write_text(content, encoding="utf-8")
    assert ReturningSubscribers(tmp_path / "listeners.json").load() == ()


async def test_their_number_is_limited(tmp_path: Path) -> None:
    subscribers = ReturningSubscribers(tmp_path / "listeners.json")
    subscribers.save([CLIENT] * (MAX_SUBSCRIBERS + 1))
    subscribers.close()
    assert len(subscribers.load()) == MAX_SUBSCRIBERS
