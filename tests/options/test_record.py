"""Records of requests: what histories and manifests of all versions hold."""

from __future__ import annotations

import json

import msgspec
import pytest

from bridge.events import Submitted
from bridge.options.record import event_from_json, event_record, from_record, to_record
from bridge.options.table import OPTIONS
from bridge.request import JobRequest, Quantise, Region, Scale, ScaleFit, StemChoice

#: A request as version 0.1.0 wrote it before requests had groups.
EARLIER = {
    "source": "/a.wav", "engine": "draft", "stems": ["bass"], "midi": ["all"], "start_seconds": 1.5, "end_seconds": 4.0,
    "tempo_bpm": 98.0, "beat": None, "project": None, "out": None, "name": None, "format": "flac", "depth": "24",
    "device": "auto", "play": True, "sync": "clock", "transcribe_as": None, "shortest_seconds": 0.1, "lowest": 40,
    "highest": None, "sensitivity": 0.7, "voices": "one", "quantise": "1/16", "quantise_strength": 0.5,
    "quantise_ends": False, "quantise_swing": True, "scale": "bb minor", "off_scale": "drop", "time_signature": [3, 4],
    "bends": "mpe", "note_lists": ["csv"], "picture": "",
}  # fmt: skip


def test_a_record_of_an_earlier_version_is_read_and_written_with_the_same_keys() -> None:
    request = from_record(EARLIER)
    assert request.region == Region(start_seconds=1.5, end_seconds=4.0)
    assert request.stems == StemChoice(audio=("bass",), midi="all")
    assert request.quantise == Quantise(grid="1/16", strength=0.5)
    assert request.scale == ScaleFit(scale=Scale(tonic=10, mode="minor"), outside="drop")
    written = json.loads(json.dumps(to_record(request)))
    assert set(written) == set(EARLIER)
    assert {key for key in written if written[key] != EARLIER[key]} == {"scale"}  # spelled in one way now
    assert from_record(written) == request


def test_a_record_has_a_key_for_each_option() -> None:
    assert set(to_record(JobRequest(source="/a"))) == {"source", "transcribe_as"} | {
        option.record for option in OPTIONS.values()
    }


def test_what_a_record_lacks_has_its_default() -> None:
    assert from_record({"source": "/a.wav"}) == JobRequest(source="/a.wav")


@pytest.mark.parametrize(
    "damage", [{"source": 3}, {"tempo_bpm": "fast"}, {"scale": "H"}, {"quantise": "1/7"}, {"stems": 5}], ids=str
)
def test_a_damaged_record_is_no_request(damage: dict[str, object]) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        from_record(EARLIER | damage)


def test_an_event_of_a_journal_comes_back() -> None:
    event = Submitted(job="a", name="song", request=from_record(EARLIER), unix_seconds=5.0)
    line = msgspec.json.encode(event_record(event))
    assert json.loads(line)["request"]["tempo_bpm"] == 98.0
    assert event_from_json(line) == event
