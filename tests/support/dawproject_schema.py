"""The facts of DAWproject's published schemas (version 1.0), of all elements that the bridge writes, and their check.

A row names an element's children in order (`?`: at most one, `*`: any number, `+`: at least one, `A|B`: either), then
its attributes (`!`: required). `benchmarks/quality/dawproject.py` compares this table with the schemas themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

NAMEABLE = {"name": "text", "color": "text", "comment": "text"}
REFERENCEABLE = {**NAMEABLE, "id": "id"}
TIMELINE = {**REFERENCEABLE, "timeUnit": "time unit", "track": "idref"}
PARAMETER = {**REFERENCEABLE, "parameterID": "int"}
#: Numbers whose type in the schema is a string, for infinity: any reader takes them for numbers.
REAL = {**PARAMETER, "max": "written number", "min": "written number", "unit!": "unit", "value": "written number"}
ANY_TIMELINE = "Lanes|Notes|Clips|Warps|Audio|Points"
POINTS = {**TIMELINE, "unit": "unit"}


@dataclass(frozen=True)
class Row:
    """What one element may hold."""

    children: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


ELEMENTS: dict[str, Row] = {
    "Project": Row("Application Transport? Structure? Arrangement? Scenes?", {"version!": "text"}),
    "Application": Row("", {"name!": "text", "version!": "text"}),
    "Transport": Row("Tempo? TimeSignature?"),
    "Tempo": Row("", REAL),
    "TimeSignature": Row("", {**PARAMETER, "numerator!": "int", "denominator!": "int"}),
    "Structure": Row("Track|Channel*"),
    "Track": Row("Channel? Track*", {**REFERENCEABLE, "contentType": "content types", "loaded": "boolean"}),
    "Channel": Row(
        "Devices? Mute? Pan? Sends? Volume?",
        {**REFERENCEABLE, "audioChannels": "int", "destination": "idref", "role": "role", "solo": "boolean"},
    ),
    "Mute": Row("", {**PARAMETER, "value": "boolean"}),
    "Pan": Row("", REAL),
    "Volume": Row("", REAL),
    "Arrangement": Row("Lanes? Markers? TempoAutomation? TimeSignatureAutomation?", REFERENCEABLE),
    "Lanes": Row(f"{ANY_TIMELINE}*", TIMELINE),
    "Clips": Row("Clip*", TIMELINE),
    "Clip": Row(
        f"{ANY_TIMELINE}?",
        {
            **NAMEABLE, "time!": "number", "duration": "number", "contentTimeUnit": "time unit", "playStart": "number",
            "playStop": "number", "loopStart": "number", "loopEnd": "number", "fadeTimeUnit": "time unit",
            "fadeInTime": "number", "fadeOutTime": "number", "enable": "boolean", "reference": "idref",
        },
    ),
    "Audio": Row(
        "File",
        {**TIMELINE, "algorithm": "text", "channels!": "int", "sampleRate!": "int", "duration!": "number"},
    ),
    "File": Row("", {"path!": "text", "external": "boolean"}),
    "Notes": Row("Note*", TIMELINE),
    "Note": Row(
        f"{ANY_TIMELINE}?",
        {
            "time!": "written number", "duration!": "written number", "channel!": "int", "key!": "int",
            "vel": "written number", "rel": "written number",
        },
    ),
    "Points": Row("Target RealPoint*", POINTS),
    "TempoAutomation": Row("Target RealPoint*", POINTS),
    "Target": Row(
        "",
        {"parameter": "idref", "expression": "expression", "channel": "int", "key": "int", "controller": "int"},
    ),
    "RealPoint": Row(
        "", {"time!": "written number", "value!": "written number", "interpolation": "interpolation"}
    ),
    "Markers": Row("Marker+", TIMELINE),
    "Marker": Row("", {**NAMEABLE, "time!": "number"}),
    "Scenes": Row("Scene*"),
    "MetaData": Row(
        "Title? Artist? Album? OriginalArtist? Composer? Songwriter? Producer? Arranger? Year? Genre? Copyright? "
        "Website? Comment?"
    ),
    "Title": Row("text"),
    "Artist": Row("text"),
    "Album": Row("text"),
}  # fmt: skip

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_NAME = r"[A-Za-z_][\w.-]*"
TYPES: dict[str, str] = {
    "text": r"[^\x00]*",
    "number": _NUMBER,
    "written number": _NUMBER,
    "int": r"[+-]?\d{1,9}",
    "boolean": "true|false|0|1",
    "id": _NAME,
    "idref": _NAME,
    "unit": "linear|normalized|percent|decibel|hertz|semitones|seconds|beats|bpm",
    "time unit": "beats|seconds",
    "role": "regular|master|effect|submix|vca",
    "content types": r"((audio|automation|notes|video|markers|tracks)( |$))*",
    "interpolation": "hold|linear",
    "expression": "gain|pan|transpose|timbre|formant|pressure|channelController|channelPressure|polyPressure|pitchBend|"
    "programChange",
}


def problems(root: Element) -> list[str]:
    """What in a document is against the schema; empty: it is valid."""
    if root.tag not in ("Project", "MetaData"):
        return [f"the root is {root.tag}"]
    found = [problem for element in root.iter() for problem in _problems_of(element)]
    ids = [element.get("id", "") for element in root.iter() if "id" in element.attrib]
    found += [f"{name} stands twice" for name in {name for name in ids if ids.count(name) > 1}] if _repeats(ids) else []
    known = {*ids}
    return [*found, *(f"nothing is called {name}" for name in _references(root) if name not in known)]


def _repeats(names: list[str]) -> bool:
    return len({*names}) < len(names)


def _problems_of(element: Element) -> Iterator[str]:
    row = ELEMENTS.get(element.tag)
    if row is None:
        yield f"{element.tag} is unknown"
        return
    if row.children != "text" and (element.text or "").strip():
        yield f"{element.tag} has text"
    children = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(_pattern("" if row.children == "text" else row.children), children):
        yield f"{element.tag} holds {children}"
    known = {name.rstrip("!"): kind for name, kind in row.attributes.items()}
    for name in row.attributes:
        if name.endswith("!") and name.rstrip("!") not in element.attrib:
            yield f"{element.tag} lacks {name}"
    for name, value in element.attrib.items():
        if name not in known:
            yield f"{element.tag} has {name}"
        elif not re.fullmatch(TYPES[known[name]], value, re.ASCII | re.DOTALL):
            yield f"{element.tag} has {name}={value!r}"


def _pattern(children: str) -> str:
    return "".join(f"(?:(?:{word.rstrip('?*+')}) ){word[-1] if word[-1] in '?*+' else ''}" for word in children.split())


def _references(root: Element) -> Iterator[str]:
    for element in root.iter():
        row = ELEMENTS.get(element.tag, Row())
        for name, kind in row.attributes.items():
            if kind == "idref" and name in element.attrib:
                yield element.attrib[name]
