"""What a scheduler says of itself and its machines, friendly or not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import __version__
from bridge.farm.identity import FACTS, METRIC, VERSION_KEY, facts, farm_state, songs


def worker(name: object = "box", **more: object) -> dict[str, Any]:
    return {"name": name, FACTS: facts("gpu", 2), "metrics": {METRIC: songs(1)}, **more}


def identity(*workers: object) -> dict[str, Any]:
    return {VERSION_KEY: __version__, "workers": {f"tls://{n}": known for n, known in enumerate(workers)}}


def test_machines_say_what_they_are_and_do() -> None:
    state = farm_state(identity(worker("mac"), worker("box", metrics={METRIC: songs(2)})))
    assert [(machine.name, machine.kind, machine.running, machine.is_busy) for machine in state.machines] == [
        ("box", "gpu", 2, True),
        ("mac", "gpu", 1, False),
    ]
    assert (state.is_reachable, state.problem, state.slots) == (True, "", 6)


def test_a_machine_with_another_version_gets_nothing_and_one_line_says_why() -> None:
    old = {"version": "0.0.1", "kind": "cpu", "slots": 1}
    state = farm_state(identity(worker(), worker("old", **{FACTS: old})))
    assert state.slots == 3 and not state.problem
    assert "old has version 0.0.1" in state.machines[1].problem
    alone = farm_state(identity(worker("old", **{FACTS: old})))
    assert alone.slots == 0 and "0.0.1" in alone.problem and __version__ in alone.problem


@pytest.mark.parametrize("version", [None, "0.0.1", 7, "\x1b[2J"])
def test_a_scheduler_of_another_version_is_not_used(version: object) -> None:
    state = farm_state({VERSION_KEY: version, "workers": {"a": worker()}})
    assert state.is_reachable and not state.slots and __version__ in state.problem
    assert "\x1b" not in state.problem


def test_a_farm_without_machines_says_so() -> None:
    assert "no machine" in farm_state(identity()).problem


def test_something_else_is_no_farm() -> None:
    with pytest.raises(ValueError, match="no scheduler"):
        farm_state({"workers": 3})


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([FACTS, METRIC, "metrics", "name"]), inner)
    ),
    max_leaves=8,
)


@given(_ANYTHING)
def test_whatever_a_machine_says_it_is_named_and_gets_nothing(said: object) -> None:
    (machine,) = farm_state(identity(said)).machines
    assert machine.problem and machine.name.isprintable() and len(machine.name) <= 60
