"""Pictures of a terminal as one SVG that moves by itself: each piece of text stands in it once, with its times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
#: Boxes lie under texts.
_LAYERS = (f"{{{_SVG}}}rect", f"{{{_SVG}}}text")
_RULE = re.compile(r"\.terminal-(r\d+) \{ ([^}]*) \}")
ElementTree.register_namespace("", _SVG)


class Frame(NamedTuple):
    """A picture, as `Terminal.picture` gives it, and how long it is shown."""

    svg: str
    seconds: float


def animated(frames: Sequence[Frame]) -> str:
    """One SVG that shows the frames in turn, for ever; all must have the same size."""
    roots = [ElementTree.fromstring(frame.svg) for frame in frames]
    shown: dict[str, list[int]] = {}
    for index, (root, frame) in enumerate(zip(roots, frames, strict=True)):
        styles = dict(_RULE.findall(frame.svg))
        for piece in _pieces(root):
            _resolve(piece, styles)
            shown.setdefault(ElementTree.tostring(piece, encoding="unicode"), []).append(index)
    starts = [0.0]
    for frame in frames:
        starts.append(starts[-1] + frame.seconds)
    whole = roots[0]
    pieces = next(parent for parent in whole.iter(f"{{{_SVG}}}g") if parent.get("clip-path"))
    for child in list(pieces):
        pieces.remove(child)
    layers = [ElementTree.SubElement(pieces, f"{{{_SVG}}}g", {"class": "terminal-matrix"}) for _ in _LAYERS]
    names: dict[tuple[int, ...], str] = {}
    groups: dict[tuple[str, str], ElementTree.Element] = {}
    for text, indices in shown.items():
        piece = ElementTree.fromstring(text)
        name = names.setdefault(tuple(indices), f"f{len(names)}")
        if (piece.tag, name) not in groups:
            layer = layers[_LAYERS.index(piece.tag)]
            groups[piece.tag, name] = ElementTree.SubElement(layer, f"{{{_SVG}}}g", {"class": name})
        groups[piece.tag, name].append(piece)
    style = next(whole.iter(f"{{{_SVG}}}style"))
    rules = [_keyframes(name, indices, starts) for indices, name in names.items()]
    style.text = _RULE.sub("", style.text or "").rstrip() + "\n" + "\n".join(filter(None, rules)) + "\n"
    return ElementTree.tostring(whole, encoding="unicode") + "\n"


def _pieces(root: ElementTree.Element) -> list[ElementTree.Element]:
    """The coloured boxes and the texts of the terminal's own area."""
    area = next(parent for parent in root.iter(f"{{{_SVG}}}g") if parent.get("clip-path"))
    return [piece for piece in area.iter() if piece.tag in _LAYERS]


def _resolve(piece: ElementTree.Element, styles: dict[str, str]) -> None:
    """Puts its class's style into the piece: the same class has other colours in other pictures."""
    name = piece.attrib.pop("class", "").removeprefix("terminal-")
    if name in styles:
        piece.set("style", styles[name].replace(" ", ""))
    piece.tail = None


def _keyframes(name: str, indices: Sequence[int], starts: Sequence[float]) -> str:
    """The rule that shows a group in these frames alone; empty if it is in all."""
    frames = len(starts) - 1
    if len(indices) == frames:
        return ""
    steps = []
    for index in range(frames):
        if index == 0 or (index in indices) != (index - 1 in indices):
            percent = 100 * starts[index] / starts[-1]
            steps.append(f"{percent:.3f}% {{ visibility: {'visible' if index in indices else 'hidden'} }}")
    return (
        f"@keyframes {name} {{ {' '.join(steps)} }}\n.{name} {{ animation: {name} {starts[-1]:g}s step-end infinite }}"
    )
