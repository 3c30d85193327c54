"""When files count as complete, with a clock that only the test moves."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.watch.settling import LONGEST_PAUSE_SECONDS, PATIENCE_SECONDS, Settling
from bridge.watch.values import FileState

SETTLE = 2.0
SMALL, LARGE = FileState(10, 1), FileState(20, 2)


def test_a_file_is_due_when_it_has_not_changed_for_long_enough() -> None:
    settling = Settling(SETTLE)
    settling.see("a", SMALL, 0.0)
    assert settling.due(1.9) == []
    settling.see("a", SMALL, 1.9)
    assert settling.next_due == 2.0
    assert settling.due(2.0) == [("a", SMALL)]


def test_each_change_begins_its_time_anew() -> None:
    settling = Settling(SETTLE)
    settling.see("a", SMALL, 0.0)
    settling.see("a", LARGE, 1.0)
    assert settling.due(2.9) == []
    assert settling.due(3.0) == [("a", LARGE)]


def test_a_file_is_due_once_until_it_changes() -> None:
    settling = Settling(SETTLE)
    settling.see("a", SMALL, 0.0)
    assert settling.due(5.0)
    settling.see("a", SMALL, 6.0)
    assert settling.due(60.0) == []
    assert len(settling) == 1
    settling.see("a", LARGE, 61.0)
    assert settling.due(63.0) == [("a", LARGE)]


def test_files_are_due_in_the_order_in_which_they_were_seen() -> None:
    settling = Settling(SETTLE)
    for path in ("take 2", "take 10", "b", "a"):
        settling.see(path, SMALL, 0.0)
    assert [path for path, _ in settling.due(2.0)] == ["take 2", "take 10", "b", "a"]


def attempts(settling: Settling, *, may_give_up: bool = True, until: float = 2000.0) -> list[float]:
    """The times at which a file is due that can never be used."""
    times = []
    settling.see("a", SMALL, 0.0)
    while (due := settling.next_due) is not None and due < until:
        settling.due(due)
        times.append(due)
        settling.try_later("a", SMALL, due, may_give_up=may_give_up)
    return times


def test_a_file_that_cannot_be_used_is_tried_less_and_less_often_and_then_given_up() -> None:
    settling = Settling(SETTLE)
    times = attempts(settling)
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[:4] == [2.0, 4.0, 8.0, 16.0]
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_PAUSE_SECONDS
    assert PATIENCE_SECONDS <= times[-1] <= PATIENCE_SECONDS + LONGEST_PAUSE_SECONDS
    settling.forget("a")
    assert len(settling) == 0


def test_a_file_that_has_lain_there_for_long_is_given_up_at_once() -> None:
    settling = Settling(SETTLE)
    settling.see("a", SMALL, 0.0)
    assert settling.try_later("a", SMALL, 2.0, unchanged_seconds=PATIENCE_SECONDS - 1.0)
    assert settling.try_later("a", SMALL, 2.5, unchanged_seconds=0.0)
    assert not settling.try_later("a", SMALL, 4.0)
    assert settling.try_later("a", SMALL, 4.0, may_give_up=False)


def test_a_file_that_somebody_certainly_writes_is_never_given_up() -> None:
    times = attempts(Settling(SETTLE), may_give_up=False)
    assert times[-1] > 1900.0


def test_a_file_that_was_given_up_has_another_chance_when_it_changes() -> None:
    settling = Settling(SETTLE)
    attempts(settling)
    settling.see("a", LARGE, 5000.0)
    assert settling.due(5002.0) == [("a", LARGE)]
    assert settling.try_later("a", LARGE, 5002.0)


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.floats(0.0, 3.0)), max_size=60)


@given(STEPS)
def test_whatever_happens_a_file_is_due_only_unchanged_for_its_time_and_none_is_forgotten(
    steps: list[tuple[str, int, float]],
) -> None:
    settling, now = Settling(SETTLE), 0.0
    last: dict[str, tuple[int, float]] = {}
    taken: dict[str, int] = {}

    def take() -> None:
        for path, state in settling.due(now):
            size, since = last[path]
            assert state.size == size
            assert now >= since + SETTLE
            assert taken.get(path) != size, "taken twice"
            taken[path] = size

    for path, size, pause in steps:
        now += pause
        take()
        settling.see(path, FileState(size, 0), now)
        if path not in last or last[path][0] != size:
            last[path] = (size, now)
            taken.pop(path, None)
    now += SETTLE
    take()
    assert taken == {path: size for path, (size, _) in last.items()}
