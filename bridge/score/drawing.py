"""Draws notes as SVG: a piano roll in systems, like printed music, with the drums in a lane below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TypeAlias
from xml.etree import ElementTree

from bridge.model import Chord, Music, Note
from bridge.score.colours import style
from bridge.score.geometry import PictureGeometry, picture_geometry
from bridge.score.names import drum_name, note_name
from bridge.score.words import music_words
from bridge.score.xml_text import xml_text
from bridge.stems import stem_of
from bridge.units import clock_text

BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
#: Notes of these stems are drawn over those of the others.
IN_FRONT = ("mix", "other", "piano", "guitar", "bass", "vocals")
#: Opacity of the softest note.
FAINTEST = 0.35
FONT = "ui-sans-serif, system-ui, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"

#: White keys directly above another white key.
ABOVE_WHITE = frozenset({0, 5})
#: Length of a black key as a share of a white one's.
BLACK_SHARE = 0.6
#: The part of a note beyond a system's edge is not drawn if it is shorter than this.
SLIVER_SECONDS = 0.03
#: Font sizes of the chords' names, the width of a letter at size 1, and the gap between two names.
CHORD_SIZE, SMALLEST_CHORD, CHORD_LETTER, CHORD_GAP = 12, 6, 0.6, 4.0

Element: TypeAlias = ElementTree.Element
#: Start and end of a system in seconds.
SystemBounds: TypeAlias = "tuple[float, float]"


def draw(
    parts: Mapping[str, Sequence[Note]],
    music: Music,
    chords: Sequence[Chord] = (),
    *,
    title: str,
    seconds: float,
    words: Sequence[str] = (),
) -> bytes:
    """All notes in one picture, each stem in its colour, louder notes more opaque, bends as curves, chords above.

    Args:
        words: stand below the title, instead of the music and the length in words.
    """
    page = picture_geometry(parts, music, seconds)
    svg = Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {page.width:g} {page.height:g}",
        width=f"{page.width:g}", height=f"{page.height:g}", role="img",
    )  # fmt: skip
    svg.set("font-family", FONT)
    _add(svg, "title").text = xml_text(title)
    _add(svg, "style").text = style()
    _rect(svg, "paper", 0, 0, page.width, page.height)
    _header(svg, page, parts, xml_text(title), words or picture_words(music, seconds))
    layers = sorted(parts, key=lambda stem: IN_FRONT.index(stem) if stem in IN_FRONT else -1)
    for index, bounds in enumerate(page.time.systems):
        system = _add(svg, "g", transform=f"translate(0 {page.top_of(index):g})")
        _grid(system, page, bounds)
        _chords(system, page, chords, bounds)
        _keyboard(system, page, music)
        for stem in layers:
            group = _add(system, "g")
            for note in parts[stem]:
                if not stem_of(stem).is_pitched:
                    _hit(group, page, stem, note, bounds)
                else:
                    _note(group, page, stem, note, bounds)
    picture: bytes = ElementTree.tostring(svg, encoding="utf-8", xml_declaration=True)
    return picture + b"\n"


def picture_words(music: Music, seconds: float) -> tuple[str, ...]:
    """Tempo, metre, key and length, as they stand below the title."""
    return (*music_words(music), clock_text(seconds))


def _header(
    svg: Element, page: PictureGeometry, parts: Mapping[str, Sequence[Note]], title: str, words: Sequence[str]
) -> None:
    _text(svg, "title", page.left, 44, title, 24)
    _text(svg, "label", page.left, 68, " · ".join(words), 14)
    x = page.width - page.margin
    for stem, notes in reversed([*parts.items()]):
        named = f"{stem_of(stem).label} {len(notes)}"
        x -= 8.0 * len(named)
        _text(svg, "label", x, 68, named, 14)
        x -= 18
        _rect(svg, stem, x, 57, 12, 12, rx="3")
        x -= 20


def _grid(system: Element, page: PictureGeometry, bounds: SystemBounds) -> None:
    left, right, bottom = page.left, page.right, page.system_height
    for pitch in page.pitches:
        if pitch % 12 in BLACK_KEYS:
            _rect(system, "row", left, page.y_of(pitch), right - left, page.row)
        elif pitch % 12 == 0:
            _line(system, "beat", left, page.y_of(pitch) + page.row, right, page.y_of(pitch) + page.row)
    for line in page.time.lines(*bounds):
        x = page.x_of(line.seconds, bounds)
        _line(system, "bar" if line.label else "beat", x, 0, x, bottom)
        if line.label and line.seconds < bounds[1] - page.time.beat_seconds / 2:
            _text(system, "label", x + 3, -5, line.label, 11)
    if page.pitches:
        _rect(system, "edge", left, 0, right - left, page.roll_height)
    if page.drums:
        _rect(system, "edge", left, page.drums_top, right - left, bottom - page.drums_top)


def _chords(system: Element, page: PictureGeometry, chords: Sequence[Chord], bounds: SystemBounds) -> None:
    """Each chord's name where it starts; one that sounds on from the system above is named again in brackets.

    A name with less room than it needs is written smaller.
    """
    names: list[tuple[float, str]] = []
    for chord in chords:
        if bounds[0] - SLIVER_SECONDS <= chord.start_seconds < bounds[1] - SLIVER_SECONDS:
            names.append((page.x_of(max(bounds[0], chord.start_seconds), bounds) + 3, chord.name))
        elif chord.start_seconds < bounds[0] and chord.end_seconds > bounds[0] + SLIVER_SECONDS:
            names.append((page.left + 3, f"({chord.name})"))
    for (x, name), following in zip_longest(names, names[1:]):
        room = math.inf if following is None else following[0] - x - CHORD_GAP
        fitting = math.floor(room / (CHORD_LETTER * len(name))) if room < math.inf else CHORD_SIZE
        _text(system, "chord", x, -18, name, min(CHORD_SIZE, max(SMALLEST_CHORD, fitting)))


def _keyboard(system: Element, page: PictureGeometry, music: Music) -> None:
    """The piano keys on the left, with each C named, and the names of the drums."""
    left = page.left - page.keys
    if page.pitches:
        _rect(system, "white", left, 0, page.keys, page.roll_height)
    named = [pitch for pitch in page.pitches if pitch % 12 == 0] or page.pitches[:1]
    for pitch in page.pitches:
        y = page.y_of(pitch)
        if pitch % 12 in BLACK_KEYS:
            _rect(system, "black", left, y, page.keys * BLACK_SHARE, page.row)
            _line(system, "crack", left + page.keys * BLACK_SHARE, y + page.row / 2, page.left, y + page.row / 2)
        elif pitch % 12 in ABOVE_WHITE and pitch != page.pitches[0]:
            _line(system, "crack", left, y + page.row, page.left, y + page.row)
        if pitch in named:
            _text(system, "label", left - 6, y + page.row / 2 + 4, note_name(pitch, music.key), 11, anchor="end")
    for key in page.drums:
        middle = page.y_of_drum(key) + page.drum_row / 2
        _text(system, "label", page.left - 8, middle + 4, drum_name(key), 11, anchor="end")


def _note(group: Element, page: PictureGeometry, stem: str, note: Note, bounds: SystemBounds) -> None:
    start, end = max(note.onset_seconds, bounds[0]), min(note.offset_seconds, bounds[1])
    if end - start < SLIVER_SECONDS and (start, end) != (note.onset_seconds, note.offset_seconds):
        return
    left, top = page.x_of(start, bounds), page.y_of(note.pitch) + 0.5
    width, height = max(2.0, page.x_of(end, bounds) - left - 0.75), page.row - 1
    rounding = f"{min(3.0, page.row / 3):g}"
    _rect(group, "paper", left, top, width, height, rx=rounding)
    body = _rect(group, stem, left, top, width, height, rx=rounding)
    body.set("fill-opacity", f"{_strength(note):.2f}")
    if note.bends:
        _curve(group, page, stem, note, bounds)


def _curve(group: Element, page: PictureGeometry, stem: str, note: Note, bounds: SystemBounds) -> None:
    """The pitch contour, across the rows that it passes."""
    middle = page.y_of(note.pitch) + page.row / 2
    contour = [(bend.time_seconds, bend.semitones) for bend in note.bends]
    contour.append((note.offset_seconds, contour[-1][1]))
    points = [
        f"{page.x_of(seconds, bounds):.2f},{middle - semitones * page.row:.2f}"
        for seconds, semitones in contour
        if bounds[0] <= seconds <= bounds[1]
    ]
    if len(points) > 1:
        line = _add(group, "polyline", points=" ".join(points))
        line.set("class", f"curve {stem}-bend")


def _hit(group: Element, page: PictureGeometry, stem: str, note: Note, bounds: SystemBounds) -> None:
    """A drum hit has no length: a mark whose height shows its velocity."""
    if not bounds[0] <= note.onset_seconds + SLIVER_SECONDS < bounds[1]:
        return
    height = (page.drum_row - 2) * _strength(note)
    top = page.y_of_drum(note.pitch) + (page.drum_row - height) / 2
    mark = _rect(group, stem, max(page.left, page.x_of(note.onset_seconds, bounds)), top, 5, height, rx="1.5")
    mark.set("fill-opacity", f"{_strength(note):.2f}")


def _strength(note: Note) -> float:
    return FAINTEST + (1 - FAINTEST) * note.velocity / 127


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _rect(parent: Element, kind: str, x: float, y: float, width: float, height: float, **more: str) -> Element:
    place = {"x": f"{x:.2f}", "y": f"{y:.2f}", "width": f"{width:.2f}", "height": f"{height:.2f}"}
    return ElementTree.SubElement(parent, "rect", {"class": kind, **place, **more})


def _line(parent: Element, kind: str, x: float, y: float, to_x: float, to_y: float) -> None:
    ends = {"x1": f"{x:.2f}", "y1": f"{y:.2f}", "x2": f"{to_x:.2f}", "y2": f"{to_y:.2f}"}
    ElementTree.SubElement(parent, "line", {"class": kind, **ends})


def _text(parent: Element, kind: str, x: float, y: float, words: str, size: int, anchor: str = "start") -> None:
    place = {"x": f"{x:.2f}", "y": f"{y:.2f}", "font-size": str(size), "text-anchor": anchor}
    ElementTree.SubElement(parent, "text", {"class": kind, **place}).text = words
