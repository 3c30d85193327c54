from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import BadArguments, NotReadable
from bridge.model import Bend, Chord, Note
from bridge.smf.reading import TimedMessage, count_notes, read_midi
from bridge.smf.ticks import microseconds_per_quarter
from bridge.smf.writing import midi_file
from tests.support.notes import note, note_lists

tempi = st.floats(20, 400)


def written(path: Path, notes: list[Note], stem: str = "vocals", tempo: float = 120.0) -> tuple[TimedMessage, ...]:
    path.write_bytes(midi_file({stem: notes}, seconds=1.0, tempo_bpm=tempo))
    return read_midi(path).messages


def notes_of(messages: tuple[TimedMessage, ...]) -> list[tuple[float, float, int, int]]:
    """Onset, offset, pitch and velocity of every note; fails if a note-on has no note-off, or a pitch sounds twice."""
    sounding: dict[int, tuple[float, int]] = {}
    notes = []
    for message in messages:
        kind, key = message.data[0] & 0xF0, message.data[1]
        if kind == 0x90:
            assert key not in sounding
            sounding[key] = (message.seconds, message.data[2])
        elif kind == 0x80:
            onset, velocity = sounding.pop(key)
            assert onset < message.seconds
            notes.append((onset, message.seconds, key, velocity))
    assert not sounding
    return sorted(notes)


in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@in_one_folder
@given(note_lists(overlapping=False), tempi)
def test_notes_are_read_back_within_half_a_tick(tmp_path: Path, notes: list[Note], tempo: float) -> None:
    half = microseconds_per_quarter(tempo) / 960 / 1e6 / 2 + 1e-9
    found = notes_of(written(tmp_path / "a.mid", notes, tempo=tempo))
    by_onset = sorted(notes, key=lambda one: (one.pitch, one.onset_seconds))
    for (onset, offset, key, velocity), wanted in zip(sorted(found, key=lambda f: (f[2], f[0])), by_onset, strict=True):
        assert (key, velocity) == (wanted.pitch, wanted.velocity)
        assert abs(onset - wanted.onset_seconds) <= half
        assert abs(offset - wanted.offset_seconds) <= half


@in_one_folder
@given(note_lists(), tempi, st.sampled_from(["vocals", "drums"]))
def test_every_note_on_has_its_note_off_and_no_pitch_sounds_twice(
    tmp_path: Path, notes: list[Note], tempo: float, stem: str
) -> None:
    found = notes_of(written(tmp_path / "a.mid", notes, stem, tempo))
    assert {(key, velocity) for _, _, key, velocity in found} <= {(one.pitch, one.velocity) for one in notes}
    assert {key for _, _, key, _ in found} == {one.pitch for one in notes}
    assert count_notes(tmp_path / "a.mid") == len(found)


@in_one_folder
@given(note_lists())
def test_the_wheel_moves_only_under_a_lone_note_and_returns(tmp_path: Path, notes: list[Note]) -> None:
    messages = written(tmp_path / "a.mid", notes)
    wheel = 0
    sounding: set[int] = set()
    for message, following in pairwise([*messages, TimedMessage(1e9, b"\xff")]):
        kind = message.data[0] & 0xF0
        if kind == 0xE0:
            wheel = message.data[1] + 128 * message.data[2] - 8192
            assert len(sounding) <= 1
        elif kind == 0x90:
            sounding.add(message.data[1])
        elif kind == 0x80:
            sounding.discard(message.data[1])
        if following.seconds > message.seconds and len(sounding) != 1:
            assert wheel == 0


# One bent note, at 120 beats a minute: 960 ticks are half a second.
BENT = bytes.fromhex(
    "4d546864 00000006 0001 0002 03c0"  # MThd, type 1, two tracks, 960 ticks a quarter
    "4d54726b 0000001f"  # MTrk
    "00 ff5103 07a120"  # tempo: 500 000 µs a quarter
    "00 ff5804 04021808"  # 4/4
    "00 ff0607 62656174203136"  # marker "beat 16"
    "8f00 ff2f00"  # end, after 1920 ticks
    "4d54726b 00000038"  # MTrk
    "00 ff0304 42617373"  # track name "Bass"
    "00 b06500 00 6400 00 0602 00 2600"  # RPN 0: 2 semitones
    "00 e00050"  # bend +0.5 before the note
    "00 902464"  # C1 on, velocity 100
    "01 b00602 00 2600"  # the 2 semitones again, for DAWs that reorder the first four
    "01 657f 00 647f"  # RPN null
    "873e 802440"  # off after 960 ticks, release velocity 64
    "00 e00040"  # the wheel is centred
    "8740 ff2f00"  # end of the clip
)


def test_the_bytes_of_a_file(tmp_path: Path) -> None:
    bent = note(0.0, 0.5, 36, bends=(Bend(time_seconds=0.0, semitones=0.5),))
    (tmp_path / "a.mid").write_bytes(midi_file({"bass": [bent]}, seconds=1.0, tempo_bpm=120.0, beat=16.0))
    assert (tmp_path / "a.mid").read_bytes().hex(" ") == BENT.hex(" ")


def test_drums_go_to_channel_10_and_do_not_bend(tmp_path: Path) -> None:
    hit = note(0.0, 0.1, 36, bends=(Bend(time_seconds=0.0, semitones=1.0),))
    assert [message.data for message in written(tmp_path / "a.mid", [hit], "drums")] == [
        bytes((0x99, 36, 100)),
        bytes((0x89, 36, 64)),
    ]


def test_a_repeated_note_ends_before_it_starts_again(tmp_path: Path) -> None:
    messages = written(tmp_path / "a.mid", [note(0.0, 0.5), note(0.5, 1.0, velocity=50), note(0.5, 0.9, 64)])
    at_half = [message.data[0] for message in messages if message.seconds == pytest.approx(0.5)]
    assert at_half == [0x80, 0x90, 0x90]


def test_a_note_shorter_than_a_tick_has_one_tick(tmp_path: Path) -> None:
    ((onset, offset, _, _),) = notes_of(written(tmp_path / "a.mid", [note(0.25, 0.25)]))
    assert (onset, offset) == pytest.approx((0.25, 0.25 + 0.5 / 960))


def test_bends_are_clamped_to_the_range(tmp_path: Path) -> None:
    bends = (Bend(time_seconds=0.0, semitones=5.0), Bend(time_seconds=0.2, semitones=-5.0))
    messages = written(tmp_path / "a.mid", [note(0.0, 0.5, bends=bends)])
    assert [message.data for message in messages if message.data[0] == 0xE0] == [
        b"\xe0\x7f\x7f",
        b"\xe0\x00\x00",
        b"\xe0\x00\x40",
    ]


def test_no_track_ends_before_the_clip(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(midi_file({"bass": []}, seconds=7.25, tempo_bpm=93.7))
    assert mido.MidiFile(tmp_path / "a.mid").length == pytest.approx(7.25, abs=0.001)


@pytest.mark.parametrize("tempo", [0.0, -1.0, 3.0, 1e9, float("nan"), float("inf")])
def test_a_tempo_that_no_file_can_store_is_refused(tmp_path: Path, tempo: float) -> None:
    with pytest.raises(BadArguments, match="tempo"):
        (tmp_path / "a.mid").write_bytes(midi_file({"bass": []}, seconds=1.0, tempo_bpm=tempo))
    assert not (tmp_path / "a.mid").exists()


def test_tempo_changes_are_applied(tmp_path: Path) -> None:
    marks = mido.MidiTrack(
        [mido.MetaMessage("set_tempo", tempo=1_000_000), mido.MetaMessage("set_tempo", tempo=250_000, time=480)]
    )
    notes = mido.MidiTrack(
        [
            mido.Message("sysex", data=(1, 2)),
            mido.Message("note_on", channel=3, note=60, velocity=9, time=480),
            mido.Message("note_on", channel=3, note=60, velocity=0, time=960),
        ]
    )
    mido.MidiFile(type=1, ticks_per_beat=480, tracks=[marks, notes]).save(tmp_path / "a.mid")
    assert read_midi(tmp_path / "a.mid").messages == (
        TimedMessage(1.0, bytes((0x93, 60, 9)), quarters=1.0),
        TimedMessage(1.5, bytes((0x83, 60, 64)), quarters=3.0),
    )
    assert count_notes(tmp_path / "a.mid") == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF and so on",
        BENT[:40],
        BENT[:12] + bytes.fromhex("0000") + BENT[14:],  # no ticks in a quarter
        BENT[:12] + bytes.fromhex("e728") + BENT[14:],  # SMPTE time
        BENT[:8] + bytes.fromhex("0002") + BENT[10:],  # type 2
        BENT[:22] + b"\xff" * 5000 + BENT[22:],  # an overlong number
        BENT.replace(bytes.fromhex("902464"), bytes.fromhex("90ffff")),
    ],
)
def test_a_broken_file_is_not_readable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mid").write_bytes(content)
    with pytest.raises(NotReadable, match=r"a\.mid"):
        read_midi(tmp_path / "a.mid")


@in_one_folder
@given(st.data())
def test_a_damaged_file_is_read_or_reported(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(BENT)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.mid").write_bytes(content)
    try:
        messages = read_midi(tmp_path / "a.mid").messages
    except NotReadable:
        return
    assert all(message.seconds >= 0 and 0x80 <= message.data[0] < 0xF0 for message in messages)


def test_a_missing_or_huge_file_is_not_readable(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match=r"gone\.mid"):
        count_notes(tmp_path / "gone.mid")
    with (tmp_path / "huge.mid").open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    with pytest.raises(NotReadable, match="too large"):
        count_notes(tmp_path / "huge.mid")


@pytest.mark.end_to_end
def test_importing_it_does_not_load_numpy() -> None:
    script = "import sys, bridge.smf; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_chords_are_markers_and_a_pause_is_one_too(tmp_path: Path) -> None:
    chords = [
        Chord(start_seconds=0.0, end_seconds=1.0, name="Bb7"), Chord(start_seconds=1.0, end_seconds=2.0, name="Eb"),
        Chord(start_seconds=3.0, end_seconds=4.0, name="F"),
    ]  # fmt: skip
    (tmp_path / "a.mid").write_bytes(midi_file({"other": []}, seconds=4.0, tempo_bpm=60.0, chords=chords))
    now, found = 0, []
    for message in mido.MidiFile(tmp_path / "a.mid").tracks[0]:
        now += message.time
        if message.type == "marker":
            found.append((now / 960, message.text))
    assert found == [(0.0, "Bb7"), (1.0, "Eb"), (2.0, "N.C."), (3.0, "F")]
