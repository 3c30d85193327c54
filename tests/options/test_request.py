from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadArguments
from bridge.options.paths import absolute_path, current_folder
from bridge.options.record import from_record, to_record
from bridge.options.request import build_request, with_options
from bridge.options.table import OPTIONS
from bridge.request import (
    AudioFormat,
    EngineChoice,
    JobRequest,
    NoteFiles,
    NoteReading,
    OutputPlace,
    PlayRequest,
    Quantise,
    Region,
    Scale,
    ScaleFit,
    SongPosition,
    StemChoice,
    StemSet,
)

DEFAULTS = JobRequest(source="")


def request(**options: object) -> JobRequest:
    return build_request("/loops/beat.wav", options, DEFAULTS)


def complaint(**options: object) -> str:
    with pytest.raises(BadArguments) as caught:
        request(**options)
    return caught.value.message


def test_without_options_the_request_is_the_models_own_default() -> None:
    assert request() == JobRequest(source="/loops/beat.wav")


def test_every_option_sets_its_field() -> None:
    built = request(
        engine="HTDemucs", stems="vocals,bass", midi="none", start=1, end="2.5", tempo=120.0, beat=-4, project="/p",
        out="/o", name="Take 1", format="FLAC", depth=24, device="cpu", play="on", sync="now", shortest="120",
        lowest="D2", highest="880 Hz", sensitivity=75, voices="One", quantise="1/8T", **{"quantise-strength": "50"},
        **{"quantise-ends": 1, "quantise-swing": "off", "off-scale": "drop", "time-signature": "6/8"},
        scale="F# dorian", bends="MPE", notes="json, csv", picture="/p/a.svg", reading="Clean",
        chords="file", score="on",
    )  # fmt: skip
    assert built == JobRequest(
        source="/loops/beat.wav",
        region=Region(start_seconds=1.0, end_seconds=2.5),
        engine=EngineChoice(name="HTDemucs", device="cpu"),
        stems=StemChoice(audio=("vocals", "bass"), midi=()),
        audio=AudioFormat(name="flac", depth="24"),
        song=SongPosition(tempo=120.0, beat=-4.0, time_signature=(6, 8)),
        reading=NoteReading(
            shortest_seconds=0.12, lowest=38, highest=81, sensitivity=0.75, voices="one", style="clean"
        ),
        quantise=Quantise(grid="1/8t", strength=0.5, ends=True, keep_swing=False),
        scale=ScaleFit(scale=Scale(tonic=6, mode="dorian"), outside="drop"),
        note_files=NoteFiles(bends="mpe", lists=("csv", "json"), picture="/p/a.svg", chords="file", score=True),
        place=OutputPlace(project="/p", folder="/o", name="Take 1"),
        play=PlayRequest(when_done=True, sync="now"),
    )
    groups = {name for name in JobRequest.__struct_fields__ if name != "source"}
    fields = {f"{group}.{field}" for group in groups for field in getattr(built, group).__struct_fields__}
    assert fields - {"stems.transcribe_as", "play.is_shown"} == {option.field for option in OPTIONS.values()}


@pytest.mark.parametrize(
    ("written", "key"),
    [("C4", 60), (60, 60), (60.0, 60), ("60", 60), ("c-1", 0), ("G9", 127), ("Bb3", 58), ("bb3", 58), ("b3", 59),
     ("F♯2", 42), ("440hz", 69), ("27.5 Hz", 21)],
)  # fmt: skip
def test_a_pitch_is_a_note_a_number_or_a_frequency(written: object, key: int) -> None:
    assert request(lowest=written).reading.lowest == key


@pytest.mark.parametrize("written", ["H2", "", "A", "128", "-1", "G#9", "0Hz", "90000Hz", "1e3", "Cb-1", "x"])
def test_what_is_no_pitch_is_refused_in_words(written: str) -> None:
    assert complaint(lowest=written).startswith("lowest must")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shortest": 9}, "at least 10"),
        ({"shortest": "long"}, "must be a number"),
        ({"lowest": "C4", "highest": "C3"}, "above highest"),
        ({"sensitivity": 101}, "at most 100"),
        ({"quantise": "1/7"}, "1/16t"),
        ({"scale": "H major"}, "tonic"),
        ({"scale": "C nonsense"}, "dorian"),
        ({"time-signature": "4"}, "4/4 or 6/8"),
        ({"time-signature": "0/4"}, "4/4 or 6/8"),
        ({"time-signature": "4/3"}, "4/4 or 6/8"),
        ({"bends": "some"}, "none, single, mpe"),
        ({"notes": "xml"}, "csv"),
        ({"picture": "a.png"}, ".svg"),
        ({"picture": "a.svg"}, "whole path"),
    ],
    ids=str,
)
def test_settings_of_notes_that_cannot_be_are_refused_in_words(options: dict[str, object], words: str) -> None:
    assert words in complaint(**options)


@pytest.mark.parametrize(("written", "path"), [(1, ""), ("yes", ""), (0, None), ("", None), ("/a/b.SVG", "/a/b.SVG")])
def test_a_picture_is_a_switch_or_a_file(written: object, path: str | None) -> None:
    assert request(picture=written).note_files.picture == path


def test_a_pictures_path_begins_where_a_person_stands() -> None:
    built = build_request("a.wav", {"picture": "out.svg"}, DEFAULTS, Path("/here"))
    assert built.note_files.picture == "/here/out.svg"


def test_the_table_has_the_protocols_words_in_their_order() -> None:
    words = "engine stems midi start end tempo beat project out name format depth device play sync"
    assert list(OPTIONS)[:15] == words.split()


def test_what_is_given_wins_over_the_defaults_and_none_gives_way_to_them() -> None:
    defaults = with_options(DEFAULTS, {"format": "mp3", "depth": "16"})
    built = build_request("/a.wav", {"format": "ogg", "depth": None}, defaults)
    assert (built.audio.name, built.audio.depth) == ("ogg", "16")


@pytest.mark.parametrize(
    ("written", "stems"),
    [
        ("all", "all"),
        ("None", ()),
        ("vocals,bass", ("vocals", "bass")),
        ("bass vocals", ("vocals", "bass")),
        ("Bass, VOCALS, bass", ("vocals", "bass")),
        (("drums",), ("drums",)),
        ((), ()),
    ],
)
def test_a_choice_of_stems(written: object, stems: StemSet) -> None:
    assert request(stems=written).stems.audio == stems
    assert request(stems="vocals", midi=written).stems.midi == stems


@pytest.mark.parametrize("written", [1, 1.0, True, "1", "true", "ON", "yes"])
def test_a_switch_that_is_on(written: object) -> None:
    assert request(play=written).play.when_done is True


@pytest.mark.parametrize("written", ["live", "Live "])
def test_notes_may_play_while_they_are_computed(written: str) -> None:
    assert request(play=written).play.is_live


@pytest.mark.parametrize("written", [0, 0.0, False, "0", "false", "Off", "no"])
def test_a_switch_that_is_off(written: object) -> None:
    assert request(play=written).play.when_done is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"speed": 1}, "there are engine, stems, midi"),
        ({"stems": "kazoo"}, "no_other, no_guitar, no_piano; there is no stem 'kazoo'"),
        ({"midi": "kazoo"}, "some of vocals, drums, bass, other, guitar, piano; there is no stem 'kazoo'"),
        ({"midi": "vocals,instrumental"}, "single stems; instrumental is the whole mix without vocals"),
        ({"stems": ""}, "stems is empty"),
        ({"stems": "none", "midi": "none"}, "nothing to do"),
        ({"start": -1}, "start must be at least 0, not -1"),
        ({"start": "soon"}, "start must be a number, not 'soon'"),
        ({"start": True}, "start must be a number"),
        ({"tempo": "maps"}, "tempo must be a number, or map, not 'maps'"),
        ({"tempo": "-5"}, "tempo must be at least"),
        ({"start": float("nan")}, "start must be a finite number"),
        ({"start": 10**400}, "start must be a number"),
        ({"beat": float("inf")}, "beat must be a finite number"),
        ({"start": 5, "end": 5}, "end (5 s) must lie after start (5 s)"),
        ({"end": 0}, "must lie after start"),
        ({"tempo": 19.9}, "tempo must be at least 20"),
        ({"tempo": 401}, "tempo must be at most 400"),
        ({"format": "wma"}, "one of wav, aiff, flac, mp3, ogg"),
        ({"depth": "8"}, "one of source, 16, 24, 32f"),
        ({"device": "tpu"}, "one of auto, cpu, cuda, mps"),
        ({"play": "maybe"}, "play must be 0, 1 or live"),
        ({"sync": "bar"}, "sync must be one of now, clock, jack, link"),
        ({"name": "  \n"}, "name must not be empty"),
        ({"name": ".."}, "name must not be empty"),
        ({"name": "../x"}, "a name, not a path"),
        ({"name": "a\\b"}, "a name, not a path"),
        ({"out": "http://example.org/x"}, "not the address"),
        ({"engine": b"draft"}, "engine must be text"),
    ],
)
def test_a_wrong_value_is_refused_in_words(options: dict[str, object], words: str) -> None:
    assert words in complaint(**options)


def test_a_name_loses_its_control_characters_and_keeps_its_letters() -> None:
    assert request(name=" Ünder\x00 the\tsea\u3000夜\n").place.name == "Ünder thesea\u3000夜"


def test_a_name_that_max_sends_as_a_number_is_a_name() -> None:
    assert request(name=808).place.name == "808"
    assert request(name=808.0).place.name == "808"


def test_a_field_that_max_leaves_empty_is_not_given() -> None:
    assert (request(project="").place.project, request(out="").place.folder) == (None, None)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/a/b.wav", "/a/b.wav"),
        ("file:///a/My%20Song%3F.wav", "/a/My Song?.wav"),
        ("file://localhost/a.wav", "/a.wav"),
        ("Macintosh HD:/Users/me/a.wav", "/Users/me/a.wav"),
        ("/a/C:/b.wav", "/a/C:/b.wav"),
    ],
)
def test_paths_as_programs_write_them(written: str, path: str) -> None:
    assert absolute_path("path", written) == path


def test_another_volume_is_found_on_a_mac_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert absolute_path("path", "My Samples:/a.wav") == "/Volumes/My Samples/a.wav"
    monkeypatch.setattr("sys.platform", "linux")
    assert absolute_path("path", "My Samples:/a.wav", tmp_path) == str(tmp_path / "My Samples:/a.wav")
    with pytest.raises(BadArguments, match="whole path"):
        absolute_path("path", "My Samples:/a.wav")


@pytest.mark.parametrize("name", ["~take.wav", "~", "file:a.wav", "Disk:/a.wav", "file:///a.wav", "[v] song.wav"])
def test_a_name_that_is_there_as_it_stands_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert absolute_path("path", name, tmp_path) == str(path)
    assert absolute_path("out", f"./{name}", tmp_path) == str(path)


def test_a_tilde_behind_a_dot_is_no_home(tmp_path: Path) -> None:
    assert absolute_path("out", "./~new", tmp_path) == str(tmp_path / "~new")
    with pytest.raises(BadArguments, match="unknown user") as refused:
        absolute_path("out", "~nobody-here", tmp_path)
    assert "./~nobody-here" in str(refused.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody delete a folder that somebody is in")
def test_a_folder_that_is_gone_is_no_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    assert current_folder() == gone
    gone.rmdir()
    assert current_folder() is None
    assert absolute_path("path", "/a.wav", current_folder()) == "/a.wav"


def test_a_windows_drive_in_a_file_address_keeps_its_letter() -> None:
    assert absolute_path("path", "file:///C:/Users/a.wav", Path.cwd()) == str(Path("C:/Users/a.wav").absolute())


@pytest.mark.parametrize(
    "written",
    [
        r"\\host\share\a.wav",
        "//host/share/a.wav",
        r"\\?\UNC\host\share\a.wav",
        r"\\.\pipe\a",
        r"/\host\share\a.wav",
        "file:////host/share/a.wav",
        "Macintosh HD://host/share/a.wav",
    ],
)
@pytest.mark.parametrize("name", ["path", "out", "project"])
def test_no_message_names_a_file_on_a_server(monkeypatch: pytest.MonkeyPatch, name: str, written: str) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(BadArguments, match="on this computer"):
        absolute_path(name, written)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_no_file_address_is_of_another_computer(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr("sys.platform", platform)
    for base in (None, Path.cwd()):
        with pytest.raises(BadArguments, match="the server 'host'"):
            absolute_path("path", "file://host/share/a.wav", base)


def test_home_and_relative_paths_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert absolute_path("path", "~/a.wav") == str(tmp_path / "a.wav")
    assert absolute_path("path", "a.wav", Path.cwd()) == str(Path.cwd() / "a.wav")
    assert absolute_path("path", "b/../a.wav", Path.cwd()) == str(Path.cwd() / "a.wav")


def test_a_relative_path_that_starts_nowhere_is_refused() -> None:
    for written in ("a.wav", "../a.wav", "3"):
        with pytest.raises(BadArguments, match="whole path"):
            absolute_path("path", written)


def test_a_name_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(BadArguments, match="UTF-8"):
        absolute_path("path", "/music/nonutf\udcff.wav")


@pytest.mark.parametrize("written", ["", "  ", "a\0b", "https://x.org/a.wav", "file:///", "file://[", "~nobody-here/x"])
def test_what_is_no_path_is_refused(written: str) -> None:
    with pytest.raises(BadArguments):
        absolute_path("path", written)


anything = st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary(), st.lists(st.text()))


@given(source=st.text(), options=st.dictionaries(st.sampled_from([*OPTIONS, "bogus"]), anything))
def test_anything_gives_a_sound_request_or_a_refusal(source: str, options: dict[str, object]) -> None:
    try:
        built = build_request(source, options, DEFAULTS)
    except BadArguments:
        return
    assert Path(built.source).is_absolute()
    assert 0 <= built.region.start_seconds < (built.region.end_seconds or float("inf"))
    assert built.stems.audio == "all" or len(set(built.stems.audio)) == len(built.stems.audio)
    assert from_record(json.loads(json.dumps(to_record(built)))) == built


def test_a_share_is_exact() -> None:
    assert request(sensitivity=57).reading.sensitivity == 0.57


def test_blanks_are_no_grid() -> None:
    assert request(quantise=" ").quantise is None
