"""What programs are told of an option is what the option takes."""

from __future__ import annotations

import pytest

from bridge.errors import BadArguments
from bridge.options.table import OPTIONS, Option
from bridge.osc.addresses import OUTGOING, REQUESTS, Outgoing, Request
from bridge.osc.http.ranges import PARAMETERS, of_parameter

SWITCHES = [option for option in OPTIONS.values() if option.kind.tag == "T"]
NUMBERS = [option for option in OPTIONS.values() if option.kind.tag == "f"]
CHOICES = [option for option in OPTIONS.values() if (found := option.kind.range) and found.choices]


def takes(option: Option, value: object) -> bool:
    try:
        option.read(value)
    except BadArguments:
        return False
    return True


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_what_is_read_as_a_number_is_said_to_be_one(option: Option) -> None:
    reads_numbers = takes(option, 60.5) and isinstance(option.read(60.5), float)
    assert (option.kind.tag == "f") == reads_numbers


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.name)
def test_a_numbers_limits_are_those_that_it_keeps(option: Option) -> None:
    limits = option.kind.range
    lowest, highest = (None, None) if limits is None else (limits.lowest, limits.highest)
    for limit, beyond in ((lowest, -1.0), (highest, 1.0)):
        assert limit is None or (takes(option, limit) and not takes(option, limit + beyond))
    assert lowest is not None or takes(option, -1e6)
    assert highest is not None or takes(option, 1e6)


@pytest.mark.parametrize("option", CHOICES, ids=lambda option: option.name)
def test_every_choice_is_taken_and_others_are_not(option: Option) -> None:
    found = option.kind.range
    assert found is not None
    assert all(takes(option, choice) for choice in found.choices)
    assert not takes(option, "something else")


@pytest.mark.parametrize("option", SWITCHES, ids=lambda option: option.name)
def test_a_switch_is_either_way(option: Option) -> None:
    assert (option.read(1), option.read(0)) == (True, False)
    assert not takes(option, 2)


def test_there_is_something_of_each_kind() -> None:
    assert {"play"} <= {option.name for option in SWITCHES}
    assert {"start", "tempo", "beat"} <= {option.name for option in NUMBERS}
    assert {"format", "depth", "device", "sync"} <= {option.name for option in CHOICES}
    assert (OPTIONS["stems"].kind.tag, OPTIONS["stems"].kind.range) == ("s", None)


def test_every_range_belongs_to_an_argument_that_there_is() -> None:
    rows: list[Request | Outgoing] = [*REQUESTS.values(), *OUTGOING]
    known = {parameter.name for row in rows for parameter in row.parameters}
    known |= {f"{row.address} {parameter.name}" for row in rows for parameter in row.parameters}
    assert set(PARAMETERS) <= known


def test_an_address_may_mean_something_of_its_own() -> None:
    assert of_parameter("/sab/finished", "outcome") != of_parameter("/sab/midi.end", "outcome")
    assert of_parameter("/sab/submit", "path") is None
