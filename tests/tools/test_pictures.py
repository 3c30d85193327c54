"""Pictures of a terminal that become one that moves."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from tools.pictures.animation import Frame, animated


def picture(*lines: tuple[str, str]) -> str:
    """What `Terminal.picture` gives for lines with their styles."""
    console = Console(file=io.StringIO(), record=True, width=20, force_terminal=True, color_system="truecolor")
    for text, style in lines:
        console.print(Text(text, style))
    return console.export_svg(title="t", unique_id="terminal")


def shown_in(svg: str, text: str) -> str:
    """The class of the group that a text stands in."""
    found = re.search(rf'<g class="(f\d+)">(?:(?!</g>).)*>{re.escape(text)}<', svg)
    assert found is not None, text
    return found[1]


def test_every_text_stands_once_and_is_shown_in_its_frames() -> None:
    frames = [
        Frame(picture(("same", ""), ("one", "red")), 1.0),
        Frame(picture(("same", ""), ("two", "blue")), 3.0),
    ]
    svg = animated(frames)
    ElementTree.fromstring(svg)
    assert [svg.count(f">{text}<") for text in ("same", "one", "two")] == [1, 1, 1]
    first, second = shown_in(svg, "one"), shown_in(svg, "two")
    assert f"@keyframes {first} {{ 0.000% {{ visibility: visible }} 25.000% {{ visibility: hidden }} }}" in svg
    assert f"@keyframes {second} {{ 0.000% {{ visibility: hidden }} 25.000% {{ visibility: visible }} }}" in svg
    assert f".{second} {{ animation: {second} 4s step-end infinite }}" in svg
    assert f"@keyframes {shown_in(svg, 'same')} " not in svg


def test_the_same_class_of_two_frames_keeps_both_colours() -> None:
    svg = animated([Frame(picture(("a", "#ff0000")), 1.0), Frame(picture(("b", "#00ff00")), 1.0)])
    assert "fill:#ff0000" in svg and "fill:#00ff00" in svg


def test_boxes_lie_under_texts() -> None:
    svg = animated([Frame(picture(("a", "on red")), 1.0), Frame(picture(("b", "on blue")), 1.0)])
    assert svg.rindex("<rect") < svg.index(">a<")
