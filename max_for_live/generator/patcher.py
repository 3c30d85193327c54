"""Converts the description of the device to Max's JSON."""

from __future__ import annotations

import json
from typing import Any

from max_for_live.generator import chunks, description
from max_for_live.generator.description import Box, DeviceParameter
from max_for_live.generator.frozen import MODIFIED_1904
from max_for_live.generator.objects import arity
from max_for_live.generator.script import NAME as SCRIPT

#: The oldest supported version of Max.
MAX_VERSION = {"major": 8, "minor": 6, "revision": 0, "architecture": "x64", "modernui": 1}
PARAMETER_TYPES = {"float": 0, "enum": 2}
FLOAT_SHOWN_AS_INT = 0
ENUM_UNIT = 9
_COLUMN, _ROW, _ROWS = 190.0, 30.0, 22


def patch() -> dict[str, Any]:
    """`{"patcher": …}`, as Max saves it."""
    numbers = {box.name: f"obj-{n}" for n, box in enumerate(description.BOXES, 1)}
    device = int.from_bytes(chunks.AUDIO_EFFECT, "big")
    return {
        "patcher": {
            "fileversion": 1,
            "appversion": MAX_VERSION,
            "classnamespace": "box",
            "rect": [80.0, 100.0, 1000.0, 800.0],
            "openrect": [0.0, 0.0, float(description.WIDTH), float(description.HEIGHT)],
            "openinpresentation": 1,
            "default_fontsize": 10.0,
            "default_fontface": 0,
            "default_fontname": "Ableton Sans Medium",
            "gridsize": [8.0, 8.0],
            "boxanimatetime": 500,
            "devicewidth": float(description.WIDTH),
            "description": "Separates the selected clip: stems, MIDI clips, notes into armed tracks.",
            "boxes": [{"box": _box(n, box, numbers[box.name])} for n, box in enumerate(description.BOXES)],
            "lines": [{"patchline": _line(cord, numbers)} for cord in description.CORDS],
            "parameters": _parameters(numbers),
            "dependency_cache": [{"name": SCRIPT, "bootpath": ".", "type": "TEXT", "implicit": 1}],
            "latency": 0,
            "is_mpe": 0,
            "minimum_live_version": "",
            "minimum_max_version": "",
            "platform_compatibility": 0,
            "project": _project(device),
            "autosave": 0,
        }
    }


def as_text(content: dict[str, Any]) -> bytes:
    """The bytes in the file: UTF-8, a line feed, one NUL."""
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n\0"


def _box(index: int, box: Box, identity: str) -> dict[str, Any]:
    box_arity = arity(box.maxclass, box.text, description.SCRIPT_OUTLETS)
    column, row = divmod(index, _ROWS)
    width, height = (box.rect[2], box.rect[3]) if box.rect else (max(60, 7 * len(box.text)), 22)
    attributes: dict[str, Any] = {
        "id": identity,
        "maxclass": box.maxclass,
        "numinlets": box_arity.inlets,
        "numoutlets": len(box_arity.outlets),
        "patching_rect": [20.0 + column * _COLUMN, 20.0 + row * _ROW, float(width), float(height)],
        **box.attributes,
    }
    if box_arity.outlets:
        attributes["outlettype"] = list(box_arity.outlets)
    if box.text or box.maxclass == "comment":
        attributes["text"] = box.text
    if box.rect:
        attributes |= {"presentation": 1, "presentation_rect": [float(side) for side in box.rect], "varname": box.name}
    if box.info:
        title = box.parameter.shortname if box.parameter else box.name.capitalize()
        attributes |= {"annotation": box.info, "annotation_name": title}
    if box.maxclass in ("led", "multislider"):
        attributes["parameter_enable"] = 0
    if box.text.startswith("js "):
        attributes["saved_object_attributes"] = {"filename": SCRIPT, "parameter_enable": 0}
    saved: dict[str, Any] = {name: {"expression": color} for name, color in box.themed.items()}
    if box.parameter:
        attributes["parameter_enable"] = 1
        saved["valueof"] = _valueof(box.parameter)
    if saved:
        attributes["saved_attribute_attributes"] = saved
    return dict(sorted(attributes.items()))


def _valueof(parameter: DeviceParameter) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "parameter_longname": parameter.longname,
        "parameter_shortname": parameter.shortname,
        "parameter_type": PARAMETER_TYPES[parameter.kind],
        "parameter_unitstyle": FLOAT_SHOWN_AS_INT if parameter.kind == "float" else ENUM_UNIT,
        "parameter_mmin": float(parameter.lowest),
        "parameter_mmax": float(parameter.highest),
        "parameter_invisible": parameter.visibility,
        "parameter_modmode": 0,
    }
    if parameter.has_initial:
        attributes |= {"parameter_initial": [float(parameter.initial)], "parameter_initial_enable": 1}
    if parameter.kind == "enum":
        attributes["parameter_enum"] = list(parameter.choices)
    return attributes


def _line(cord: str, numbers: dict[str, str]) -> dict[str, Any]:
    """`name outlet > name inlet`."""
    (source, outlet), (target, inlet) = (end.split() for end in cord.split(" > "))
    return {"source": [numbers[source], int(outlet)], "destination": [numbers[target], int(inlet)]}


def _parameters(numbers: dict[str, str]) -> dict[str, Any]:
    named = {
        numbers[box.name]: [box.parameter.longname, box.parameter.shortname, 0]
        for box in description.BOXES
        if box.parameter
    }
    parameters = [box.parameter for box in description.FACE if box.parameter]
    shown = [one.longname for one in parameters if one.visibility == description.STORED and one.on_push]
    banks = {
        str(n): {"index": n, "name": "", "parameters": (shown[n * 8 : n * 8 + 8] + ["-"] * 8)[:8]}
        for n in range(-(-len(shown) // 8))
    }
    return {**named, "parameterbanks": banks, "inherited_shortname": 1}


def _project(device: int) -> dict[str, Any]:
    return {
        "version": 1,
        "creationdate": MODIFIED_1904,
        "modificationdate": MODIFIED_1904,
        "viewrect": [0.0, 0.0, 300.0, 500.0],
        "autoorganize": 1,
        "hideprojectwindow": 1,
        "showdependencies": 1,
        "autolocalize": 0,
        "contents": {"patchers": {}},
        "layout": {},
        "searchpath": {},
        "detailsvisible": 0,
        "amxdtype": device,
        "readonly": 0,
        "devpathtype": 0,
        "devpath": ".",
        "sortmode": 0,
        "viewmode": 0,
        "includepackages": 0,
    }
