import pytest

from bridge.processes.frames import HEAD, HEARTBEAT, MAX_BYTES, frame, length


def test_a_frame_is_its_length_and_then_itself() -> None:
    #                     length, little-endian  payload
    assert frame(b"abc") == b"\x03\x00\x00\x00" + b"abc"
    assert length(frame(b"abc")[: HEAD.size]) == 3


def test_a_heartbeat_is_an_empty_frame() -> None:
    assert len(HEARTBEAT) == HEAD.size
    assert length(HEARTBEAT) == 0


@pytest.mark.parametrize("payload", [b"", bytes(MAX_BYTES + 1)], ids=["empty", "too large"])
def test_what_cannot_be_framed_is_a_mistake(payload: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be framed"):
        frame(payload)


def test_a_stream_out_of_step_is_noticed() -> None:
    with pytest.raises(ValueError, match="claims"):
        length(b"RIFF")
