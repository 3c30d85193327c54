"""MPE files: every note bends by itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import pretty_midi  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings

from bridge.model import Bend, Note
from bridge.smf.reading import TimedMessage, read_midi
from bridge.smf.writing import midi_file
from tests.support.notes import note, note_lists

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def written(path: Path, notes: list[Note]) -> tuple[TimedMessage, ...]:
    path.write_bytes(midi_file({"other": notes}, seconds=1.0, bends="mpe"))
    return read_midi(path).messages


def played(messages: tuple[TimedMessage, ...]) -> list[TimedMessage]:
    """The messages without the configuration at the start."""
    return [message for message in messages if message.data[0] & 0xF0 != 0xB0]


def chord(size: int) -> list[Note]:
    return [note(0.0, 1.0, 40 + index) for index in range(size)]


def parameters_of(messages: Iterable[tuple[int, bytes]]) -> dict[tuple[int, int], int]:
    """(channel, registered parameter) → value, as an instrument reads (tick, message); none stays selected."""
    selected: dict[int, dict[int, int]] = {channel: {} for channel in range(16)}
    known: dict[tuple[int, int], int] = {}
    for _, data in messages:
        channel, kind = data[0] & 0x0F, data[0] & 0xF0
        if kind == 0xB0 and data[1] in (100, 101):
            selected[channel][data[1]] = data[2]
        elif kind == 0xB0 and data[1] == 6 and selected[channel].get(101) == 0:
            known[channel, selected[channel][100]] = data[2]
    assert all(one in ({}, {100: 127, 101: 127}) for one in selected.values())
    return known


def as_recorded(messages: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """As played by a DAW that keeps a controller's last value per tick, and sorts controllers by number."""
    kept = {(tick, data[0], data[1]): data for tick, data in messages if data[0] & 0xF0 == 0xB0}
    return [(key[0], kept[key]) for key in sorted(kept)]


def timed(path: Path) -> list[tuple[int, bytes]]:
    return [(round(one.quarters * 960), one.data) for one in read_midi(path).messages]


def test_the_zone_comes_before_the_bend_ranges(tmp_path: Path) -> None:
    written(tmp_path / "a.mid", [note(0.0, 0.5)])
    messages = timed(tmp_path / "a.mid")
    assert [data.hex() for _, data in messages[:4]] == ["b06500", "b06406", "b0060f", "b02600"]
    ranges = {(0, 0): 2, **{(channel, 0): 48 for channel in range(1, 16)}}
    assert parameters_of(messages) == {(0, 6): 15, **ranges}
    assert parameters_of(as_recorded(messages)) == ranges  # the zone would have to be repeated, which may end notes
    assert [one.data for one in played(read_midi(tmp_path / "a.mid").messages)] == [
        bytes((0x91, 60, 100)),
        bytes((0x81, 60, 64)),
    ]


@in_one_folder
@given(note_lists())
def test_the_bend_range_precedes_bends_and_survives_a_recording(tmp_path: Path, notes: list[Note]) -> None:
    (tmp_path / "a.mid").write_bytes(midi_file({"other": notes}, seconds=1.0, bends="single"))
    messages = timed(tmp_path / "a.mid")
    first = next((index for index, (_, data) in enumerate(messages) if data[0] & 0xF0 == 0xE0), None)
    if first is None:
        assert all(data[0] & 0xF0 != 0xB0 for _, data in messages)
        return
    before = [data.hex() for _, data in messages[:first] if data[0] & 0xF0 == 0xB0]
    assert before[:4] == ["b06500", "b06400", "b00602", "b02600"]
    assert parameters_of(messages) == parameters_of(as_recorded(messages)) == {(0, 0): 2}


def test_fifteen_notes_have_separate_channels_and_the_sixteenth_shares_the_nearest(tmp_path: Path) -> None:
    def channels(size: int) -> list[int]:
        ons = [one.data for one in played(written(tmp_path / "a.mid", chord(size))) if one.data[0] & 0xF0 == 0x90]
        return [data[0] & 0x0F for data in sorted(ons, key=lambda data: data[1])]

    assert channels(15) == list(range(1, 16))
    assert channels(16) == [*range(1, 16), 15]


def test_a_bend_precedes_its_note_and_is_reset_after_it(tmp_path: Path) -> None:
    bent = note(0.0, 0.5, bends=(Bend(time_seconds=0.0, semitones=1.0), Bend(time_seconds=0.25, semitones=-24.0)))
    assert [message.data.hex() for message in played(written(tmp_path / "a.mid", [bent]))] == [
        "e12b41",  # 8192 + 8192 / 48 = 8363
        "913c64",
        "e10020",  # half of the range down
        "813c40",
        "e10040",
    ]


def test_a_repeated_pitch_keeps_its_channel_and_others_rotate(tmp_path: Path) -> None:
    line = [note(index * 0.1, index * 0.1 + 0.05, pitch) for index, pitch in enumerate((60, 62, 60, 64))]
    ons = [one.data[0] & 0x0F for one in played(written(tmp_path / "a.mid", line)) if one.data[0] & 0xF0 == 0x90]
    assert ons == [1, 2, 1, 3]


@in_one_folder
@given(note_lists())
def test_simultaneous_notes_share_neither_channel_nor_wheel(tmp_path: Path, notes: list[Note]) -> None:
    sounding: dict[int, int] = {}
    wheels = dict.fromkeys(range(16), 8192)
    for message in played(written(tmp_path / "a.mid", notes)):
        kind, channel = message.data[0] & 0xF0, message.data[0] & 0x0F
        assert channel != 0, "the master channel has no notes"
        if kind == 0xE0:
            wheels[channel] = message.data[1] + 128 * message.data[2]
        elif kind == 0x90:
            assert channel not in sounding
            sounding[channel] = message.data[1]
        else:
            assert sounding.pop(channel) == message.data[1]
    assert not sounding
    assert set(wheels.values()) == {8192}


PARTS = {
    "vocals": [note(0.1, 0.4, 64, bends=(Bend(time_seconds=0.1, semitones=0.5),)), note(0.4, 0.9, 67)],
    "drums": [note(0.0, 0.1, 36), note(0.5, 0.6, 38)],
    "bass": [note(0.0, 0.5, 40, bends=(Bend(time_seconds=0.2, semitones=-0.5),))],
    "other": [],
}


@pytest.mark.parametrize("bends", ["none", "single", "mpe"])
def test_all_stems_in_one_file_have_separate_tracks_and_channels(tmp_path: Path, bends: str) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(midi_file(PARTS, seconds=2.0, tempo_bpm=98.5, metre=(6, 8), bends=bends))  # type: ignore[arg-type]
    file = mido.MidiFile(path)
    assert [track.name for track in file.tracks] == ["", "Vocals", "Drums", "Bass", "Other"]
    channels = [{message.channel for message in track if not message.is_meta} for track in file.tracks]
    assert channels == [set(), {0}, {9}, {1}, set()]
    bent = any(message.type == "pitchwheel" for track in file.tracks for message in track)
    assert bent is (bends != "none")
    assert not any(message.type == "program_change" for track in file.tracks for message in track)


def test_other_programs_read_the_same_notes_tempo_and_names(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(midi_file(PARTS, seconds=2.0, tempo_bpm=98.5, metre=(6, 8), beat=16.0))
    file = mido.MidiFile(path)
    assert (file.type, file.ticks_per_beat) == (1, 960)
    assert file.length == pytest.approx(2.0, abs=0.001)
    (tempo,) = (message.tempo for message in file.tracks[0] if message.type == "set_tempo")
    assert mido.tempo2bpm(tempo) == pytest.approx(98.5, abs=1e-4)
    read = pretty_midi.PrettyMIDI(str(path))
    assert read.get_tempo_changes()[1] == pytest.approx([98.5], abs=1e-4)
    (metre,) = read.time_signature_changes
    assert (metre.numerator, metre.denominator) == (6, 8)
    half_tick = 60 / 98.5 / 960 / 2 + 1e-6
    found = {instrument.name: instrument for instrument in read.instruments}
    assert [name for name, instrument in found.items() if instrument.is_drum] == ["Drums"]
    assert {*found} == {"Vocals", "Drums", "Bass"}
    for stem, notes in PARTS.items():
        if notes:
            there = sorted(found[stem.capitalize()].notes, key=lambda one: one.start)
            assert [(one.pitch, one.velocity) for one in there] == [(one.pitch, one.velocity) for one in notes]
            for one, wanted in zip(there, notes, strict=True):
                assert one.start == pytest.approx(wanted.onset_seconds, abs=half_tick)
                assert one.end == pytest.approx(wanted.offset_seconds, abs=half_tick)
