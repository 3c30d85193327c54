from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.osc.addresses import FAIL, RESULT, Message
from bridge.osc.codec import (
    MAX_INCOMING_BYTES,
    MAX_MESSAGES,
    MAX_OUTGOING_BYTES,
    MAX_PATH_MESSAGE_BYTES,
    Rejected,
    decode,
    encode,
)
from bridge.osc.reading import MAX_NESTING


def octets(dump: str) -> bytes:
    """The bytes of a hex dump; `;` starts a comment."""
    return bytes.fromhex("".join(line.split(";")[0] for line in dump.splitlines()))


PING = octets("""
    2f 73 61 62 2f 70 69 6e  67 00 00 00  ; /sab/ping, a NUL, padded to a multiple of 4
    2c 73 00 00                           ; ",s": one string
    68 69 00 00                           ; "hi"
""")
STOP = octets("""
    2f 73 61 62 2f 73 74 6f  70 00 00 00  ; /sab/stop
    2c 00 00 00                           ; no arguments
""")


def bundle(*elements: bytes, time_tag: bytes = bytes(7) + b"\1") -> bytes:
    return b"#bundle\0" + time_tag + b"".join(len(element).to_bytes(4, "big") + element for element in elements)


def test_a_message_with_a_string() -> None:
    assert decode(PING) == [Message("/sab/ping", ("hi",))]
    assert encode(Message("/sab/ping", ("hi",))) == PING


def test_a_message_without_type_tags_is_accepted() -> None:
    assert decode(PING[:12]) == [Message("/sab/ping")]


def test_every_type_that_a_client_may_send() -> None:
    dump = octets("""
        2f 78 00 00                    ; /x
        2c 69 66 73 54 46 68 64 4e 00 00 00  ; ,ifsTFhdN
        00 00 00 02                    ; i 2
        3f 80 00 00                    ; f 1.0
        61 00 00 00                    ; s a
        00 00 00 01 00 00 00 00        ; h 2**32
        3f b9 99 99 99 99 99 9a        ; d 0.1
    """)
    assert decode(dump) == [Message("/x", (2, 1.0, "a", True, False, 2**32, 0.1, None))]


def test_a_progress_push_byte_for_byte() -> None:
    assert encode(Message("/sab/progress", ("j1", "queued", 0.5, -1.0))) == octets("""
        2f 73 61 62 2f 70 72 6f 67 72 65 73 73 00 00 00  ; /sab/progress
        2c 73 73 66 66 00 00 00                          ; ,ssff
        6a 31 00 00                                      ; j1
        71 75 65 75 65 64 00 00                          ; queued
        3f 00 00 00                                      ; 0.5
        bf 80 00 00                                      ; -1.0: unknown
    """)


def test_a_bundles_time_tag_is_ignored() -> None:
    assert decode(bundle(PING, STOP, time_tag=b"\xff" * 8)) == [Message("/sab/ping", ("hi",)), Message("/sab/stop")]


def nested(depth: int) -> bytes:
    packet = PING
    for _ in range(depth):
        packet = bundle(packet)
    return packet


def test_nested_bundles_are_flattened_in_order() -> None:
    assert decode(bundle(STOP, nested(MAX_NESTING), STOP)) == [
        Message("/sab/stop"),
        Message("/sab/ping", ("hi",)),
        Message("/sab/stop"),
    ]


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 500])
def test_bundles_that_are_nested_too_deeply_do_not_drop_the_others(depth: int) -> None:
    first, second, third = decode(bundle(STOP, nested(depth), STOP))
    assert (first, third) == (Message("/sab/stop"), Message("/sab/stop"))
    assert isinstance(second, Rejected)
    assert "deeper than 8" in second.error.message


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 1_500, 7_900])
def test_arrays_that_are_nested_too_deeply_do_not_drop_the_next_message(depth: int) -> None:
    tags = b"," + b"[" * depth + b"]" * depth
    deep = b"/sab/query\0\0" + tags + b"\0" * (4 - len(tags) % 4)
    first, second = decode(bundle(deep, STOP))
    assert isinstance(first, Rejected)
    assert first.address == "/sab/query"
    assert second == Message("/sab/stop")


def test_the_types_of_osc_1_1_are_read() -> None:
    dump = octets("""
        2f 78 00 00                          ; /x
        2c 49 53 63 72 6d 74 5b 73 5b 69 5d 5d 00 00 00  ; ,IScrmt[s[i]]
        61 62 00 00                          ; S ab
        00 00 00 7a                          ; c z
        ff 00 00 ff                          ; r red
        00 90 3c 7f                          ; m a note
        00 00 00 00 00 00 00 01              ; t at once
        63 00 00 00                          ; s c
        00 00 00 05                          ; i 5
    """)
    colour, midi, time = b"\xff\0\0\xff", b"\0\x90\x3c\x7f", bytes(7) + b"\1"
    assert decode(dump) == [Message("/x", (None, "ab", "z", colour, midi, time, ("c", (5,))))]


def test_the_messages_of_a_bundle_are_counted() -> None:
    *first, last = decode(bundle(*[STOP] * 800))
    assert first == [Message("/sab/stop")] * MAX_MESSAGES
    assert isinstance(last, Rejected)
    assert last.error.code == "busy"


def test_a_broken_element_does_not_drop_the_others() -> None:
    first, second, third = decode(bundle(PING, b"junk", STOP))
    assert (first, third) == (Message("/sab/ping", ("hi",)), Message("/sab/stop"))
    assert isinstance(second, Rejected)


@pytest.mark.parametrize("size", [b"\xff\xff\xff\xfc", b"\x7f\xff\xff\xff", b"\0\0\0\3", b"\0"])
def test_a_wrong_element_size_ends_its_bundle_after_the_previous_elements(size: bytes) -> None:
    inner = bundle(PING) + size
    first, second, *rest = decode(inner)
    assert first == Message("/sab/ping", ("hi",))
    assert isinstance(second, Rejected)
    assert rest == []


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\0" * 64,
        b"GET / HTTP/1.1\r\n\r\n",
        b"#bundle\0",
        b"/sab/ping",
        b"/\xff\xfe\0,\0\0\0",
        b"/x\0\0,i\0\0",
        b"/x\0\0,z\0\0",
        b"/x\0\0,[\0\0",
        b"/x\0\0,b\0\0\x7f\xff\xff\xff",
        b"/x\0\0,b\0\0\xff\xff\xff\xff",
        b"/x\0\0,]\0\0",
        b"/x\0\0,c\0\0\x7f\xff\xff\xff",
        b"/x\0\0,c\0\0\0\0\xd8\0",
        b"/x\0\0s\0\0\0",
        b"/" + b"a" * MAX_INCOMING_BYTES,
    ],
)
def test_garbage_is_rejected(datagram: bytes) -> None:
    (rejected,) = decode(datagram)
    assert isinstance(rejected, Rejected)
    assert rejected.error.code == "bad_arguments"


def test_a_rejected_message_keeps_its_address() -> None:
    (rejected,) = decode(b"/sab/x\0\0,i\0\0")
    assert isinstance(rejected, Rejected)
    assert rejected.address == "/sab/x"
    assert "/sab/x" in rejected.error.message


def test_a_missing_last_float_is_not_read_as_zero() -> None:
    whole = encode(Message("/x", (1.5,)))
    assert decode(whole) == [Message("/x", (1.5,))]
    assert isinstance(decode(whole[:-4])[0], Rejected)


def test_a_nan_is_not_a_missing_argument() -> None:
    (message,) = decode(octets("2f 78 00 00  2c 66 00 00  7f c0 00 00"))
    assert isinstance(message, Message)
    assert math.isnan(float(str(message.arguments[0])))


@given(st.binary(max_size=200))
def test_random_bytes_give_messages_or_rejections(datagram: bytes) -> None:
    assert decode(datagram)


@given(st.binary(max_size=60), st.sampled_from([b"#bundle\0", b"/sab/submit\0", b"/x\0\0,ifsb[hd]trm\0\0\0"]))
def test_bytes_with_a_valid_start_give_messages_or_rejections(tail: bytes, head: bytes) -> None:
    decode(head + tail)
    decode(bundle(PING, head + tail)[:-1])


@given(st.data())
def test_a_truncated_message_is_never_misread(data: st.DataObject) -> None:
    whole = encode(Message("/sab/submit", ("/a.wav", "start", 12.25, "tempo", 99, "end", 60.5)))
    (read,) = decode(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert isinstance(read, Rejected) or read.arguments == ()  # an address alone is a message


arguments = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
)


@given(st.lists(arguments, max_size=6))
def test_an_encoded_message_is_decoded_unchanged(values: list[int | float | str]) -> None:
    message = Message("/sab/anything", tuple(values))
    assert decode(encode(message)) == [message]


@given(st.lists(st.one_of(st.text(max_size=2000), st.integers(), st.floats(), st.booleans()), max_size=8))
def test_anything_can_be_encoded_within_the_limit(values: list[int | float | str]) -> None:
    datagram = encode(Message("/sab/fail", tuple(values)))
    assert len(datagram) <= MAX_OUTGOING_BYTES < 1024
    (message,) = decode(datagram)
    assert isinstance(message, Message)
    assert len(message.arguments) == len(values)


def test_only_the_longest_string_is_truncated() -> None:
    (message,) = decode(encode(FAIL("/sab/submit", "not_found", "é" * 900, "token")))
    assert isinstance(message, Message)
    address, code, words, subject = message.arguments
    assert (address, code, subject) == ("/sab/submit", "not_found", "token")
    assert str(words).endswith("é…")


def test_a_path_is_never_cut() -> None:
    path = "/" + "夜" * 1_365 + ".wav"  # 4100 bytes
    told = RESULT("j1", "stem", "bass", path, 1, 44100)
    datagram = encode(told)
    assert decode(datagram) == [told]
    assert MAX_OUTGOING_BYTES < len(datagram) < MAX_PATH_MESSAGE_BYTES


def test_an_undecodable_file_name_can_be_sent() -> None:
    (message,) = decode(encode(RESULT("j1", "stem", "bass", "/a/\udcff.wav", 1, 44100)))
    assert isinstance(message, Message)
    assert message.arguments == ("j1", "stem", "bass", "/a/?.wav", 1.0, 44100)


def test_numbers_are_clamped() -> None:
    assert decode(encode(Message("/x", (2**40, -(2**40), math.nan)))) == [Message("/x", (2**31 - 1, -(2**31), 0.0))]
