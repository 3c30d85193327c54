"""The wire: told while somebody watches, bounded, and harmless."""

from __future__ import annotations

import msgspec
import pytest

from bridge.connections.values import WireMessage
from bridge.connections.wire import LONGEST_ARGUMENTS, MOST_A_SECOND, Wire, argument_words
from tests.support.fakes import FakeClock


def test_messages_are_told_while_somebody_watches() -> None:
    wire, told = Wire(FakeClock()), list[WireMessage]()
    wire.saw("/sab/ping", (), is_out=False)
    end = wire.watch(told.append)
    wire.saw("/sab/ping", ("x",), is_out=False, client="live", place="127.0.0.1:9000")
    end()
    end()
    wire.saw("/sab/pong", ("x",), is_out=True)
    (message,) = told
    assert (message.address, message.arguments, message.client, message.is_out) == ("/sab/ping", '"x"', "live", False)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=WireMessage) == message


def test_of_a_flood_some_are_told_and_the_others_counted() -> None:
    clock = FakeClock()
    wire, told = Wire(clock), list[WireMessage]()
    wire.watch(told.append)
    for _ in range(MOST_A_SECOND + 25):
        wire.saw("/sab/ping", (), is_out=False)
    assert len(told) == MOST_A_SECOND
    clock.advance(1)
    wire.saw("/sab/ping", (), is_out=False)
    assert told[-1].left_out == 25


def test_a_watcher_that_fails_does_not_hide_a_message_from_the_next() -> None:
    wire, told = Wire(FakeClock()), list[WireMessage]()

    def fail(_: WireMessage) -> None:
        raise ValueError

    wire.watch(fail)
    wire.watch(told.append)
    wire.saw("/a", (), is_out=False)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("/a b.wav", 1, 0.5), '"/a b.wav" 1 0.5'),
        ((True, None, b"abc", (1, 2)), "true none <3 bytes> [2 items]"),
        (("\x1b]0;title\x07",), '"�]0;title�"'),
        (("a" * 90,), '"' + "a" * 79 + '…"'),
    ],
)
def test_arguments_are_harmless_words(arguments: tuple[object, ...], words: str) -> None:
    assert argument_words(arguments) == words


def test_many_arguments_are_shortened() -> None:
    assert len(argument_words(("word",) * 10_000)) <= LONGEST_ARGUMENTS + 2
