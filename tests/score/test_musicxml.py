"""A score holds the notes that were written, in bars that are full; MuseScore reads it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import mido  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Chord, Music, Note
from bridge.music.clean import WrittenNote, written_parts
from bridge.music.metre import Metre
from bridge.score.musicxml import score_of
from bridge.score.note_values import bar_values
from tests.support.notes import note, note_lists

MUSIC = Music(tempo_bpm=120.0, tempo_source="given", key="Bb major")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
Parts = dict[str, list[WrittenNote]]


def score(
    parts: dict[str, list[Note]], music: Music = MUSIC, chords: tuple[Chord, ...] = (), seconds: float = 8.0
) -> tuple[bytes, Parts]:
    grid, written = written_parts(parts, music, seconds, None, lambda stem: stem in ("vocals", "bass"))
    return score_of(written, grid, music, chords, title="A & <B>\x00", seconds=seconds), written


def parsed(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)


def text(element: ElementTree.Element, path: str) -> str:
    return element.findtext(path) or ""


def sounding(part: ElementTree.Element) -> Iterator[tuple[int, int]]:
    """(position from the start of the part, pitch or drum's key) of every note that is no tie's continuation."""
    start = 0
    for measure in part.iter("measure"):
        now, length, previous = start, 0, start
        for element in measure:
            duration = int(text(element, "duration") or 0)
            if element.tag == "backup":
                now -= duration
            elif element.tag == "forward":
                now += duration
            elif element.tag == "note":
                if element.find("chord") is None:
                    previous = now
                    now += duration
                is_new = all(tie.get("type") != "stop" for tie in element.findall("tie"))
                if element.find("rest") is None and is_new:
                    yield previous, _key(element)
            length = max(length, now - start)
        start += length


def _key(element: ElementTree.Element) -> int:
    instrument = element.find("instrument")
    if instrument is not None:
        return int((instrument.get("id") or "").split("-I")[1])
    alteration = int(text(element, "pitch/alter") or 0)
    return 12 * (int(text(element, "pitch/octave")) + 1) + STEPS[text(element, "pitch/step")] + alteration


def bar_lengths(part: ElementTree.Element) -> Iterator[set[int]]:
    """The lengths of all voices of each bar."""
    for measure in part.iter("measure"):
        lengths: dict[str, int] = {}
        for element in measure:
            if element.tag in ("note", "forward") and element.find("chord") is None:
                voice = text(element, "voice")
                lengths[voice] = lengths.get(voice, 0) + int(text(element, "duration"))
        yield {*lengths.values()}


@settings(deadline=None, max_examples=30)
@given(
    note_lists(), note_lists(overlapping=False), st.floats(40, 240),
    st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (12, 8), (2, 2)]), st.floats(0, 1.0),
)  # fmt: skip
def test_every_note_is_in_the_score_once_and_every_bar_is_full(
    piano: list[Note], drums: list[Note], tempo: float, metre: tuple[int, int], first: float
) -> None:
    music = Music(tempo_bpm=tempo, tempo_source="given", time_signature=metre, first_beat_seconds=first)
    content, written = score({"piano": piano, "drums": drums}, music, seconds=34.0)
    root = parsed(content)
    bar = round(Metre.of(metre).bar_quarters * 24)
    has_pickup = root.findall("part/measure")[0].get("number") == "0"
    for part, notes in zip(root.findall("part"), [*filter(None, written.values())] or [[]], strict=True):
        first_bar, *others = bar_lengths(part)
        assert all(lengths == {bar} for lengths in (others if has_pickup else [first_bar, *others]))
        (before,) = first_bar if has_pickup else {0}
        assert sorted(sounding(part)) == sorted((one.start + before, one.pitch) for one in notes)


@pytest.mark.parametrize(
    ("metre", "edges", "types"),
    [
        ((4, 4), (0, 96), ["whole"]),
        ((4, 4), (0, 12, 36, 48, 96), ["eighth", "quarter", "eighth", "half"]),
        ((4, 4), (0, 36, 60, 96), ["quarter.", "eighth+eighth", "quarter."]),
        ((4, 4), (0, 6, 24, 84, 96), ["16th", "eighth.", "quarter+quarter.", "eighth"]),
        ((4, 4), (0, 8, 16, 24, 96), ["eighth3", "eighth3", "eighth3", "half."]),
        ((6, 8), (0, 36, 72), ["quarter.", "quarter."]),
        ((6, 8), (0, 24, 48, 72), ["quarter", "eighth+eighth", "quarter"]),
        ((7, 8), (0, 24, 48, 84), ["quarter", "quarter", "quarter."]),
        ((3, 4), (0, 72), ["half."]),
    ],
)
def test_lengths_are_written_so_that_the_beat_is_seen(
    metre: tuple[int, int], edges: tuple[int, ...], types: list[str]
) -> None:
    values = bar_values(edges, Metre.of(metre))
    words = ["+".join(one.type + "." * one.dots + "3" * one.in_triplet for one in pieces) for pieces in values]
    assert words == types


def test_key_metre_tempo_and_title() -> None:
    root = parsed(score({"vocals": [note(0, 0.5, 70)]}, Music(
        tempo_bpm=105.0, tempo_source="given", key="D minor", time_signature=(6, 8)
    ))[0])  # fmt: skip
    measure = root.findall("part/measure")[0]
    assert text(root, "work/work-title") == "A & <B>"
    assert (text(measure, "attributes/key/fifths"), text(measure, "attributes/key/mode")) == ("-1", "minor")
    assert (text(measure, "attributes/time/beats"), text(measure, "attributes/time/beat-type")) == ("6", "8")
    metronome = measure.find("direction/direction-type/metronome")
    assert metronome is not None and metronome.find("beat-unit-dot") is not None
    assert text(metronome, "per-minute") == "70"


def test_swing_is_a_word_over_even_eighths() -> None:
    swung = [note(beat / 2 + late, beat / 2 + late + 0.15, 60) for beat in range(12) for late in (0.0, 0.33)]
    root = parsed(score({"piano": swung})[0])
    assert root.findtext("part/measure/direction/direction-type/words") == "Swing"
    assert not [*root.iter("time-modification")]


def test_what_is_read_at_no_tempo_is_not_called_swung() -> None:
    late = [note(beat / 2 + late, beat / 2 + late + 0.15, 60) for beat in range(12) for late in (0.0, 0.33)]
    root = parsed(score({"piano": late}, Music(tempo_bpm=120.0, tempo_source="default"))[0])
    assert root.find("part/measure/direction/direction-type/words") is None


@given(st.floats(40, 240), st.integers(1, 3))
def test_a_pickup_begins_with_the_clip_and_has_no_beat_more(tempo: float, beats: int) -> None:
    first = round(beats * 60 / tempo, 6)  # as the manifest rounds it
    music = Music(tempo_bpm=tempo, tempo_source="estimated", first_beat_seconds=first)
    root = parsed(score({"piano": [note(0, 0.2, 60), note(first, first + 0.5, 62)]}, music)[0])
    (part,) = root.findall("part")
    assert next(bar_lengths(part)) == {24 * beats}


def test_chord_symbols_stand_over_their_beats() -> None:
    chords = tuple(
        Chord(start_seconds=start, end_seconds=start + 1.0, name=name) for start, name in ((0.0, "Bb7"), (1.0, "Ebm"))
    )
    root = parsed(score({"drums": [note(0, 0.1, 36)], "piano": [note(0, 1.9, 60)]}, chords=chords)[0])
    piano, drums = root.findall("part")
    assert drums.find("measure/harmony") is None
    first, second = piano.findall("measure/harmony")
    assert (text(first, "root/root-step"), text(first, "root/root-alter"), text(first, "kind")) == (
        "B",
        "-1",
        "dominant",
    )
    assert (text(second, "root/root-step"), text(second, "kind"), text(second, "offset")) == ("E", "minor", "48")


def test_drums_stand_on_a_percussion_staff_with_their_heads() -> None:
    root = parsed(score({"drums": [note(0, 0.1, 36), note(0, 0.1, 42), note(0.5, 0.6, 38)]})[0])
    assert text(root, "part/measure/attributes/clef/sign") == "percussion"
    hits = {
        _key(hit): (text(hit, "unpitched/display-step"), text(hit, "notehead"))
        for hit in root.iter("note")
        if hit.find("rest") is None
    }
    assert hits == {36: ("F", ""), 42: ("G", "x"), 38: ("C", "")}
    assert {int(text(one, "midi-unpitched")) for one in root.iter("midi-instrument")} == {37, 39, 43}


def test_a_piano_has_two_staves_and_a_bass_is_written_an_octave_up() -> None:
    chords = [note(0, 1.9, pitch) for pitch in (40, 47, 64, 67, 72)]
    root = parsed(score({"piano": chords, "bass": [note(0, 1.9, 28)]})[0])
    piano, bass = root.findall("part")
    assert text(piano, "measure/attributes/staves") == "2"
    assert [text(clef, "sign") for clef in piano.findall("measure/attributes/clef")] == ["G", "F"]
    assert text(bass, "measure/attributes/clef/clef-octave-change") == "-1"


def test_parts_without_notes_are_left_out_unless_there_are_no_others() -> None:
    assert len(parsed(score({"vocals": [], "bass": [note(0, 1, 40)]})[0]).findall("part")) == 1
    assert len(parsed(score({"vocals": [], "bass": []})[0]).findall("part")) == 1


@pytest.mark.skipif(shutil.which("mscore3") is None, reason="MuseScore is not installed (Debian: musescore3)")
def test_musescore_reads_every_note(tmp_path: Path) -> None:
    triplets = [note(2 + step / 6, 2 + step / 6 + 0.15, 60 + step) for step in range(6)]
    parts = {
        "vocals": [note(0.25, 0.9, 70), note(1.0, 1.2, 72), note(1.375, 2.6, 75)],
        "drums": [note(step / 4, step / 4 + 0.05, key) for step in range(12) for key in (42, 36 if step % 4 else 38)],
        "piano": [*(note(0, 2.8, pitch) for pitch in (43, 50)), *triplets, note(0.5, 1.75, 67)],
    }
    content, written = score(parts, seconds=4.0)
    source, back = tmp_path / "a.musicxml", tmp_path / "a.mid"
    source.write_bytes(content)
    subprocess.run(
        ["mscore3", "-o", str(back), str(source)], check=True, timeout=60, capture_output=True,
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    file = mido.MidiFile(str(back))
    found = []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                found.append((24 * now / file.ticks_per_beat, message.note))
    assert sorted(found) == sorted((float(one.start), one.pitch) for notes in written.values() for one in notes)
