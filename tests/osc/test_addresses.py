from __future__ import annotations

import pytest

from bridge.errors import ADVICE
from bridge.osc.addresses import (
    DONE,
    FAIL_CODES,
    JOB,
    OUTGOING,
    PROGRESS,
    PUSHES,
    REQUESTS,
    Message,
    Parameter,
    is_answer,
    parameters,
)
from bridge.osc.handlers import HANDLERS

#: Copied from the protocol.
CODES = """unknown_address bad_arguments not_found not_readable not_audio too_long outside_roots out_of_space
weights_unavailable engine_failed out_of_memory queue_full protocol internal"""


def test_the_notation_of_the_protocol() -> None:
    assert parameters("s:client i:protocol [i:reply_port]") == (
        Parameter("s", "client", False),
        Parameter("i", "protocol", False),
        Parameter("i", "reply_port", True),
    )
    assert parameters("") == ()


def test_a_row_converts_arguments_to_its_types() -> None:
    assert PROGRESS("j1", "queued", 0, -1) == Message("/sab/progress", ("j1", "queued", 0.0, -1.0))
    assert [type(argument) for argument in JOB("j1", "done", 1, "a").arguments] == [str, str, float, str]
    with pytest.raises(TypeError):
        DONE("/sab/stop")


def test_every_request_has_a_handler_and_every_handler_a_request() -> None:
    assert set(HANDLERS) == set(REQUESTS)


def test_outgoing_messages_use_only_types_that_max_supports() -> None:
    assert {parameter.type for outgoing in OUTGOING for parameter in outgoing.parameters} <= set("ifs")
    assert not any(parameter.optional for outgoing in OUTGOING for parameter in outgoing.parameters)


def test_every_outgoing_address_has_one_arity() -> None:
    arity: dict[str, int] = {}
    for outgoing in OUTGOING:
        assert arity.setdefault(outgoing.address, len(outgoing.parameters)) == len(outgoing.parameters)


def test_every_code_of_the_protocol_has_advice() -> None:
    assert set(CODES.split()) <= set(FAIL_CODES)
    assert FAIL_CODES == ADVICE


@pytest.mark.parametrize("address", ["/sab/fail", "/done", "/live/error", "/x.reply", "/status/reply", "/sab/pong"])
def test_an_answer_is_recognised(address: str) -> None:
    assert is_answer(address)


def test_no_request_looks_like_an_answer() -> None:
    assert not any(is_answer(address) for address in REQUESTS)
    assert all(is_answer(outgoing.address) for outgoing in (*OUTGOING, *PUSHES))
    assert not is_answer("/sab/unfail")
    assert not is_answer("")
