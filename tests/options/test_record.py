"""Records of requests and results: what histories, manifests and cache entries of all versions hold."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Produced, Submitted
from bridge.model import Job, Result
from bridge.options.record import (
    event_from_json,
    event_record,
    from_json,
    from_record,
    job_record,
    result_record,
    to_json,
    to_record,
)
from bridge.options.table import OPTIONS
from bridge.pipeline.cache.store import Entry
from bridge.pipeline.manifest import Manifest, decode_manifest
from bridge.pipeline.unfinished import Unfinished
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
    assert {key for key in EARLIER if written[key] != EARLIER[key]} == {"scale"}  # spelled in one way now
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


def test_the_group_of_a_job_comes_back_from_its_journal_and_an_earlier_journal_has_none() -> None:
    request = from_record(EARLIER | {"group": "take-3", "group_clips": 4})
    event = Submitted(job="a", name="song", request=request, unix_seconds=5.0, group_id="abc", position=2)
    record = json.loads(msgspec.json.encode(event_record(event)))
    assert (record["request"]["group"], record["group_id"], record["position"]) == ("take-3", "abc", 2)
    assert event_from_json(json.dumps(record).encode()) == event
    del record["request"]["group"], record["request"]["group_clips"], record["group_id"], record["position"]
    earlier = event_from_json(json.dumps(record).encode())
    assert isinstance(earlier, Submitted)
    assert (earlier.request.group.name, earlier.group_id, earlier.position) == ("", "", 0)


STEM = Result(
    kind="stem", name="bass", folder="/out", file="a (Bass).wav", seconds=2.5, sample_rate_hz=44_100, frames=110_250,
    channels=2, subtype="PCM_24",
)  # fmt: skip
#: The same as every version has written it.
STEM_RECORD = {
    "kind": "stem", "name": "bass", "path": "/out/a (Bass).wav", "seconds": 2.5, "sample_rate_hz": 44_100,
    "frames": 110_250, "channels": 2, "subtype": "PCM_24", "notes": 0,
}  # fmt: skip


def test_a_result_has_one_path_in_its_record() -> None:
    assert list(result_record(STEM).items()) == list(STEM_RECORD.items())
    assert result_record(msgspec.structs.replace(STEM, folder=""))["path"] == "a (Bass).wav"


def test_a_produced_file_of_an_earlier_journal_is_read_and_written_alike() -> None:
    line = {"type": "produced", "job": "a", "result": STEM_RECORD}
    event = event_from_json(json.dumps(line).encode())
    assert event == Produced(job="a", result=STEM)
    assert event_record(event) == line


names = st.text(st.characters(exclude_characters="/\\:\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(st.lists(names, min_size=1), names)
def test_any_path_comes_back(folders: list[str], file: str) -> None:
    event = Produced(job="a", result=msgspec.structs.replace(STEM, folder="/" + "/".join(folders), file=file))
    assert event_from_json(msgspec.json.encode(event_record(event))) == event


@pytest.mark.parametrize("result", [3, {}, {**STEM_RECORD, "path": 3}, {**STEM_RECORD, "seconds": "long"}], ids=str)
def test_a_damaged_result_is_no_event(result: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's message differs
        event_from_json(json.dumps({"type": "produced", "job": "a", "result": result}).encode())


def test_a_job_has_its_request_and_results_as_records() -> None:
    job = Job(id="a", name="song", request=from_record(EARLIER), submitted_unix=5.0, results=(STEM,))
    record = json.loads(msgspec.json.encode(job_record(job)))
    assert record["results"] == [STEM_RECORD]
    assert record["request"]["tempo_bpm"] == 98.0


BESIDE = {**STEM_RECORD, "path": "a (Bass).wav"}
ENGINE = {"name": "draft", "device": "cpu", "weights": "1"}
#: What earlier versions wrote.
ENTRY = {
    "key": "k", "name": "song", "engine": ENGINE, "warnings": [], "results": [{**BESIDE, "path": "bass.wav"}],
    "sizes": {"bass.wav": 3}, "checks": {"bass.wav": 7},
}  # fmt: skip
UNFINISHED = {
    "note": "", "job": "a", "state": "failed", "name": "song", "request": EARLIER, "results": [BESIDE],
    "checks": {"a (Bass).wav": 7}, "cache_key": "k",
}  # fmt: skip
MANIFEST = {
    "manifest": 1, "job": "a", "name": "song",
    "source": {"path": "/a.wav", "sha256": "", "start_seconds": 0.0, "start_frame": 0, "frames": 1,
               "sample_rate_hz": 44_100, "channels": 2},
    "request": EARLIER, "engine": ENGINE, "transcribers": {}, "music": None, "warnings": [], "results": [BESIDE],
    "versions": {}, "started": "", "seconds": 1.0, "cache_key": "k",
}  # fmt: skip


@pytest.mark.parametrize(("record", "kind"), [(ENTRY, Entry), (UNFINISHED, Unfinished), (MANIFEST, Manifest)])
def test_files_of_earlier_versions_are_read_and_written_alike(
    record: dict[str, object], kind: type[Entry | Unfinished | Manifest]
) -> None:
    value = from_json(json.dumps(record).encode(), kind)
    (result,) = value.results
    assert (result.folder, result.path) == ("", result.file)
    added: dict[type, dict[str, object]] = {
        Manifest: {"chords": [], "line_margins": {}, "analyses": {}, "peaks": {}, "sizes": {}},
        Entry: {"peaks": {}},
    }
    assert json.loads(to_json(value)) == record | added.get(kind, {})


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"results": 3}', b'{"a":' * 5000])
def test_other_json_is_no_manifest(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's message differs
        decode_manifest(content)
