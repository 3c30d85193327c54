from __future__ import annotations

import pytest

from bridge.errors import BadArguments, UnknownAddress
from bridge.osc.addresses import Message
from bridge.osc.arguments import Arguments, find_req, read_arguments


def read(address: str, *arguments: object) -> Arguments:
    return read_arguments(Message(address, arguments))


@pytest.mark.parametrize("port", [9721, 9721.0, "9721", "9721.0"])
def test_a_whole_number_may_come_as_a_float(port: float) -> None:
    assert read("/sab/hello", "max", 1.0, port).numbers == {"protocol": 1, "reply_port": 9721}


@pytest.mark.parametrize(("sent", "on"), [(True, 1), (False, 0), (1, 1), (0.0, 0), ("1", 1), ("0", 0), ("off", 0)])
def test_a_switch_may_have_any_type(sent: object, on: int) -> None:
    assert read("/sab/subscribe", sent).numbers["on"] == on


def test_a_string_may_come_as_a_number() -> None:
    assert read("/sab/ping", 5).strings == {"token": "5"}
    assert read("/sab/submit", "/a", "req", 7.0).req == "7"


def test_an_optional_argument_may_be_missing() -> None:
    assert read("/sab/ping").strings == {"token": ""}
    assert read("/sab/subscribe", 1).numbers == {"on": 1, "ttl_seconds": 0}


def test_arguments_after_the_last_known_one_are_ignored() -> None:
    assert read("/sab/status", 1, "x", b"blob", [1]) == Arguments()
    assert read("/sab/ping", "a", "b", "c").strings == {"token": "a"}
    assert read("/sab/submit", "/a", "name", "x", "left over").options == {"name": "x"}


def test_pairs_follow_the_positional_arguments() -> None:
    read_submit = read("/sab/submit", "/a.wav", "tempo", 120, "req", "r1")
    assert read_submit.strings == {"path": "/a.wav"}
    assert read_submit.options == {"tempo": 120}
    assert (read_submit.req, read_submit.subject) == ("r1", "r1")


def test_the_optional_stem_of_play_is_distinguished_from_a_key() -> None:
    assert read("/sab/play", "j1", "sync", "now").strings == {"job": "j1", "stem": ""}
    assert read("/sab/play", "j1", "bass", "sync", "now").strings == {"job": "j1", "stem": "bass"}
    assert read("/sab/play", "j1").subject == "j1"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            ("/sab/hello",),
            "/sab/hello needs client, a string; its arguments are s:client i:protocol [i:reply_port] [s:proof].",
        ),
        (("/sab/hello", "max"), "needs protocol, a whole number"),
        (("/sab/hello", "max", "one"), "/sab/hello: protocol must be a whole number, not 'one'."),
        (("/sab/hello", "max", 1.5), "protocol must be a whole number, not 1.5."),
        (("/sab/hello", "max", float("nan")), "protocol must be a whole number"),
        (("/sab/hello", "max", float("inf")), "protocol must be a whole number"),
        (("/sab/hello", "max", 2**40), "protocol must be a whole number"),
        (("/sab/hello", None, 1), "client must be a string, not None."),
        (("/sab/subscribe", 2), "on must be 1 or 0, not 2."),
        (("/sab/query", b"x" * 999), "job must be a string, not b'xxx"),
        (("/sab/submit", "/a", "speed", 1), "no key 'speed'; its keys are engine, stems, midi"),
        (("/sab/submit", "/a", 3, 1), "no key 3"),
        (("/sab/submit", "/a", "start"), "the key start has no value"),
        (("/sab/submit", "/a", "req", b"x"), "req must be text"),
        (("/sab/submit", "/a", "req", "x" * 65), "req may have 64 bytes"),
        (("/sab/submit", "/a", "req", "é" * 33), "req may have 64 bytes"),
        (("/sab/subscribe", "yes please"), "on must be 1 or 0, not 'yes please'."),
        (("/sab/subscribe", 1, "soon"), "ttl_seconds must be a whole number, not 'soon'."),
    ],
)
def test_a_wrong_message_is_rejected_with_a_clear_message(message: tuple[str, ...], words: str) -> None:
    with pytest.raises(BadArguments) as caught:
        read(*message)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("arguments", "how"),
    [
        (("stems", "vocals", "bass"), "stems vocals,bass"),
        (("stems", "vocals", "bass", "drums"), "stems vocals,bass,drums"),
        (("tempo", 120, "midi", "vocals", "bass", "req", "r"), "midi vocals,bass"),
        (("notes", "csv", "json"), "notes csv,json"),
    ],
)
def test_the_words_of_a_list_as_several_arguments_are_an_error_that_says_how_to_write_them(
    arguments: tuple[object, ...], how: str
) -> None:
    with pytest.raises(BadArguments) as caught:
        read("/sab/submit", "/a", *arguments)
    assert str(caught.value).endswith(f"Write its words with commas: {how}")


def test_an_array_is_a_list() -> None:
    assert read("/sab/submit", "/a", "stems", ("vocals", "bass")).options == {"stems": "vocals,bass"}


@pytest.mark.parametrize("address", ["/sab/explode", "/sab", "/", "/sab/*", "/foo/bar"])
def test_an_unknown_address(address: str) -> None:
    with pytest.raises(UnknownAddress, match=r"docs/osc\.md"):
        read(address)


def test_the_token_is_found_in_an_invalid_message() -> None:
    assert find_req(Message("/sab/submit", ("/a", "speed", 1, "req", 12))) == "12"
    assert find_req(Message("/sab/submit", ("/a", "req"))) == ""
    assert find_req(Message("/sab/submit", ("req", None))) == ""
