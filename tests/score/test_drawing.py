from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Bend, Chord, Music, Note
from bridge.score.drawing import draw
from bridge.score.systems import picture_systems
from bridge.score.words import music_words

SVG = "{http://www.w3.org/2000/svg}"
MUSIC = Music(tempo_bpm=120.0, tempo_source="given", key="Bb major", key_margin=0.2)
UNKNOWN = Music(tempo_bpm=120.0, tempo_source="default")


def note(onset: float, offset: float, pitch: int, velocity: int = 100, bends: tuple[Bend, ...] = ()) -> Note:
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=pitch, velocity=velocity, bends=bends)


def picture(
    parts: dict[str, list[Note]], seconds: float = 8.0, music: Music = MUSIC, title: str = "x"
) -> ElementTree.Element:
    return ElementTree.fromstring(draw(parts, music, title=title, seconds=seconds))


def of_class(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [one for one in root.iter() if kind in one.get("class", "").split()]


def words(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def boxes(root: ElementTree.Element, stem: str) -> list[tuple[float, float, float, float]]:
    """x, y, width and height of a stem's notes, without the legend's."""
    found = [tuple(float(one.get(name, "0")) for name in ("x", "y", "width", "height")) for one in of_class(root, stem)]
    return [(x, y, width, height) for x, y, width, height in found if (width, height) != (12.0, 12.0)]


def test_later_notes_are_further_right_and_higher_ones_further_up() -> None:
    low, high = boxes(picture({"bass": [note(0.0, 1.0, 40), note(2.0, 4.0, 47)]}), "bass")
    assert low[0] < high[0]
    assert low[1] > high[1]
    assert high[2] == pytest.approx(2 * low[2], rel=0.02)


def test_louder_notes_are_more_opaque() -> None:
    soft, loud = (
        one.get("fill-opacity")
        for one in of_class(picture({"bass": [note(0, 1, 40, 30), note(1, 2, 40, 120)]}), "bass")[1:]
    )
    assert float(soft or 0) < float(loud or 0) <= 1


def test_a_bend_is_a_curve_that_rises_with_the_pitch() -> None:
    bends = (Bend(time_seconds=0.0, semitones=0.0), Bend(time_seconds=0.5, semitones=1.0))
    (curve,) = of_class(picture({"vocals": [note(0.0, 1.0, 60, bends=bends)]}), "vocals-bend")
    points = [tuple(map(float, point.split(","))) for point in curve.get("points", "").split()]
    assert len(points) == 3
    assert points[0][1] > points[1][1] == points[2][1]


def test_drums_have_a_lane_below_with_their_names() -> None:
    root = picture({"drums": [note(0.0, 0.1, 36), note(0.5, 0.6, 38)], "bass": [note(0.0, 1.0, 40)]})
    assert {"Kick", "Snare"} <= {*words(root)}
    assert min(y for _, y, _, _ in boxes(root, "drums")) > max(y for _, y, _, _ in boxes(root, "bass"))


def test_keys_and_bars_are_named() -> None:
    texts = words(picture({"bass": [note(0.0, 1.0, 40), note(1.0, 2.0, 60)]}))
    assert {"C3", "C4", "1", "2", "3", "4"} <= {*texts}
    assert "120 BPM · 4/4 · B-flat major · 0:08" in texts


def test_without_a_tempo_the_grid_is_in_seconds() -> None:
    texts = words(picture({"bass": [note(0.0, 1.0, 40)]}, 12.0, UNKNOWN))
    assert {"0:00", "0:05", "0:10"} <= {*texts}
    assert not any("BPM" in text for text in texts)


@pytest.mark.parametrize("title", ['<script>alert("&")</script>', "]]>", "\x00\x1b\ufffe\ud800", "Ünï – 音", "a" * 300])
def test_a_hostile_title_is_plain_text(title: str) -> None:
    root = picture({"bass": [note(0.0, 1.0, 40)]}, title=title)
    legible = re.sub("[\x00\x1b\ufffe\ud800]", "", title)
    assert legible in words(root) or not legible
    assert not [*root.iter(f"{SVG}script")]


def test_it_has_colours_for_light_and_dark_mode() -> None:
    (sheet,) = (one.text or "" for one in picture({}).iter(f"{SVG}style"))
    assert "prefers-color-scheme: dark" in sheet
    assert sheet.count(".vocals {") == 2


@settings(deadline=None)
@given(
    st.floats(20, 400), st.integers(1, 12), st.sampled_from([2, 4, 8]), st.floats(0, 5), st.floats(0.01, 4000),
)  # fmt: skip
def test_systems_are_contiguous_and_cover_the_clip(
    tempo: float, beats: int, unit: int, first: float, seconds: float
) -> None:
    music = Music(tempo_bpm=tempo, tempo_source="given", first_beat_seconds=first, time_signature=(beats, unit))
    time = picture_systems(music, seconds)
    systems = time.systems
    assert systems[0][0] <= 0.1 * time.beat_seconds + 1e-9
    assert systems[-1][1] >= seconds - 1e-3
    assert all(before[1] == after[0] for before, after in pairwise(systems))
    assert all(after[0] < after[1] for after in systems)
    for start, end in systems[:2]:
        lines = [*time.lines(start, end)]
        assert all(start - 1e-3 <= line.seconds <= end + 1e-3 for line in lines)


@pytest.mark.parametrize(
    "parts",
    [{}, {"bass": []}, {"drums": []}, {"drums": [note(0, 0.1, 36)]}, {"bass": [note(0, 1, 0), note(0, 1, 127)]}],
)
def test_anything_can_be_drawn(parts: dict[str, list[Note]]) -> None:
    root = picture(parts, 0.01)
    assert float(root.get("height", "0")) > 100


@pytest.mark.parametrize(
    ("music", "text"),
    [
        (Music(tempo_bpm=98.5, tempo_source="given"), "98.5 BPM, 4/4"),
        (
            Music(tempo_bpm=98.46, tempo_source="estimated", key="F# minor", key_margin=0.1),
            "about 98.5 BPM, 4/4, F-sharp minor",
        ),
        (Music(tempo_bpm=120.0, tempo_source="default", key="C major", key_margin=0.01), "perhaps C major"),
        (UNKNOWN, ""),
    ],
)  # fmt: skip
def test_tempo_and_key_in_words(music: Music, text: str) -> None:
    assert ", ".join(music_words(music)) == text


def test_chords_stand_above_their_system_and_again_in_brackets_in_the_next() -> None:
    chords = [
        Chord(start_seconds=0.0, end_seconds=4.0, name="Bb7"),
        Chord(start_seconds=4.0, end_seconds=20.0, name="F"),
    ]
    root = ElementTree.fromstring(draw({"bass": [note(0, 1, 40)]}, MUSIC, chords, title="x", seconds=20.0))
    assert [one.text for one in of_class(root, "chord")] == ["Bb7", "F", "(F)"]


def test_a_chord_with_little_room_is_written_smaller() -> None:
    chords = [
        Chord(start_seconds=start, end_seconds=end, name=name)
        for start, end, name in ((0.0, 0.25, "A#maj7"), (0.25, 4.0, "Bm7"), (4.0, 8.0, "E"))
    ]
    root = ElementTree.fromstring(draw({"bass": [note(0, 1, 40)]}, MUSIC, chords, title="x", seconds=8.0))
    sizes = [float(one.get("font-size", "")) for one in of_class(root, "chord")]
    assert 6 <= sizes[0] < 12
    assert sizes[1:] == [12, 12]
