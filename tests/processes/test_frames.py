import pytest

from bridge.processes.frames import HEADER, HEARTBEAT, MAX_BYTES, frame, payload_length


def test_a_frame_is_the_length_followed_by_the_payload() -> None:
    #                     length, little-endian  payload
    assert frame(b"abc") == b"\x03\x00\x00\x00" + b"abc"
    assert payload_length(frame(b"abc")[: HEADER.size]) == 3


def test_a_heartbeat_is_an_empty_frame() -> None:
    assert len(HEARTBEAT) == HEADER.size
    assert payload_length(HEARTBEAT) == 0


@pytest.mark.parametrize("payload", [b"", bytes(MAX_BYTES + 1)], ids=["empty", "too large"])
def test_an_empty_or_oversized_payload_is_an_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be framed"):
        frame(payload)


def test_a_corrupt_stream_is_detected() -> None:
    with pytest.raises(ValueError, match="claims"):
        payload_length(b"RIFF")
