"""The client's errors, and the parsing of a command's arguments."""

from __future__ import annotations

import socket

import pytest

from bridge.errors import NotFound
from bridge.osc.client import NoAnswer, OscClient, open_client, parse_argument


async def test_without_a_bridge_there_is_no_answer(listener: socket.socket) -> None:
    async with open_client(port=listener.getsockname()[1]) as client:
        with pytest.raises(NoAnswer, match="sab serve"):
            await client.ask("/sab/ping", answer_seconds=0.05)


async def test_an_invalid_host_does_not_answer() -> None:
    with pytest.raises(NoAnswer, match=r"of a\.\.b"):
        async with open_client("a..b"):
            pass


async def test_a_rejection_is_raised_as_the_original_error(client: OscClient) -> None:
    with pytest.raises(NotFound, match="There is no job j99") as caught:
        await client.ask("/sab/query", "j99")
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("written", "argument"),
    [
        ("1.5", 1.5),
        ("-3", -3),
        ("1e3", 1000.0),
        ("0", 0),
        ("007", "007"),
        ("1.", "1."),
        ("nan", "nan"),
        ("99999999999", "99999999999"),
        ("/a b.wav", "/a b.wav"),
        ('"3"', "3"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_arguments_as_a_person_types_them(written: str, argument: str | float) -> None:
    parsed = parse_argument(written)
    assert parsed == argument
    assert type(parsed) is type(argument)
