"""The ranges that are parsed from the options' text match what the options accept."""

from __future__ import annotations

import pytest

from bridge.errors import BadArguments
from bridge.options.table import OPTIONS, Option
from bridge.osc.addresses import OUTGOING, REQUESTS, Outgoing, Request
from bridge.osc.http.ranges import PARAMETERS, of_parameter

SWITCHES = [option for option in OPTIONS.values() if option.kind.tag == "T"]
NUMBERS = [option for option in OPTIONS.values() if option.kind.tag == "f"]
CHOICES = [option for option in OPTIONS.values() if (found := option.kind.range) and found.choices]


def accepts(option: Option, value: object) -> bool:
    try:
        option.read(value)
    except BadArguments:
        return False
    return True


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_an_option_that_reads_numbers_has_a_numeric_type(option: Option) -> None:
    reads_numbers = accepts(option, 60.5) and isinstance(option.read(60.5), float)
    assert (option.kind.tag == "f") == reads_numbers


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.name)
def test_a_numbers_range_matches_what_it_accepts(option: Option) -> None:
    limits = option.kind.range
    lowest, highest = (None, None) if limits is None else (limits.lowest, limits.highest)
    for limit, beyond in ((lowest, -1.0), (highest, 1.0)):
        assert limit is None or (accepts(option, limit) and not accepts(option, limit + beyond))
    assert lowest is not None or accepts(option, -1e6)
    assert highest is not None or accepts(option, 1e6)


@pytest.mark.parametrize("option", CHOICES, ids=lambda option: option.name)
def test_only_the_listed_choices_are_accepted(option: Option) -> None:
    found = option.kind.range
    assert found is not None
    assert all(accepts(option, choice) for choice in found.choices)
    assert not accepts(option, "something else")


@pytest.mark.parametrize("option", SWITCHES, ids=lambda option: option.name)
def test_a_switch_accepts_only_1_and_0(option: Option) -> None:
    assert (option.read(1), option.read(0)) == (True, False)
    assert not accepts(option, 2)


def test_there_are_options_of_each_kind() -> None:
    assert {"quantise-swing", "score"} <= {option.name for option in SWITCHES}
    assert {"start", "tempo", "beat"} <= {option.name for option in NUMBERS}
    assert {"format", "depth", "device", "sync"} <= {option.name for option in CHOICES}
    assert (OPTIONS["stems"].kind.tag, OPTIONS["stems"].kind.range) == ("s", None)


def test_every_range_belongs_to_an_argument() -> None:
    rows: list[Request | Outgoing] = [*REQUESTS.values(), *OUTGOING]
    known = {parameter.name for row in rows for parameter in row.parameters}
    known |= {f"{row.address} {parameter.name}" for row in rows for parameter in row.parameters}
    assert set(PARAMETERS) <= known


def test_a_range_may_depend_on_the_address() -> None:
    assert of_parameter("/sab/finished", "outcome") != of_parameter("/sab/midi.end", "outcome")
    assert of_parameter("/sab/submit", "path") is None
