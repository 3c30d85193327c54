"""What the check of all systems calls a fault; the resolving itself is run by hand, since it takes minutes."""

from __future__ import annotations

import pytest

from tools.check_platforms import Resolved, fault_of


@pytest.mark.parametrize(
    ("python", "found", "words"),
    [
        ("3.12", Resolved({"torch": "2"}, ()), ""),
        ("3.12", Resolved({}, ()), "cannot be resolved"),
        ("3.12", Resolved({"torch": "2"}, ("numba 0.68.1",)), "has to compile numba 0.68.1"),
        ("3.12", Resolved({"torch": "2", "tensorflow": "2.14"}, ()), "brings tensorflow"),
        ("3.13", Resolved({}, ()), ""),
        ("3.13", Resolved({"torch": "3"}, ()), "it can be installed after all"),
    ],
)
def test_a_cell_is_judged(python: str, found: Resolved, words: str) -> None:
    fault = fault_of("macOS, Intel", python, found)
    assert fault.startswith(words) if words else not fault
