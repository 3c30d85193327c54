"""Finds the faults of a device file: everything that Max would reject, or drop without an error.

`python -m max_for_live.generator --check FILE…` prints them; `make check` builds the device and checks it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from max_for_live.generator import chunks, es5
from max_for_live.generator.chunks import NotADevice
from max_for_live.generator.frozen import DEVICE_FLAG, MAGIC, thawed
from max_for_live.generator.objects import arity
from max_for_live.generator.script import functions

FACE_HEIGHT = 169
#: Functions that the `js` object calls by itself.
CALLED_BY_MAX = frozenset({"bang", "notifydeleted"})
_NEEDED = (
    "fileversion", "appversion", "classnamespace", "rect", "openrect", "openinpresentation", "devicewidth", "boxes",
    "lines", "parameters", "dependency_cache", "latency", "project", "autosave",
)  # fmt: skip
_PARAMETER = ("parameter_longname", "parameter_shortname", "parameter_type", "parameter_invisible", "parameter_mmax")


def device_faults(path: Path) -> list[str]:
    """Every fault of a device file, in words; empty if it is valid. An unfrozen device's script is read beside it."""
    try:
        return list(_faults(path.read_bytes(), path.parent))
    except (ValueError, KeyError) as error:
        return [f"{type(error).__name__}: {error}"]


def _faults(data: bytes, folder: Path) -> Iterator[str]:
    read = chunks.read_chunks(data)
    if [chunk.tag for chunk in read] != [b"ampf", b"meta", b"ptch"]:
        raise NotADevice(f"The chunks are {[chunk.tag for chunk in read]}.")
    device_type, meta, payload = (chunk.payload for chunk in read)
    is_frozen = payload[:4] == MAGIC
    if meta != (chunks.FROZEN if is_frozen else chunks.UNFROZEN).to_bytes(4, "little"):
        yield f"meta is {meta.hex()}, which says {'unfrozen' if is_frozen else 'frozen'}."
    if is_frozen:
        device, *others = thawed(payload)
        patch, embedded = device.content, {file.name: file.content for file in others}
        if (device.kind, device.flag) != (b"JSON", DEVICE_FLAG):
            yield f"The first frozen file is {device.kind!r} with flag {device.flag}, not the device."
    else:
        patch, embedded = payload, {}
        if len(data) != 32 + len(payload):
            yield f"The file is {len(data)} bytes long, not 32 + {len(payload)}."
    if not patch.endswith(b"\n\0") or patch.count(b"\0") != 1:
        yield "The patch does not end in a line feed and one NUL."
    patcher = json.loads(patch.rstrip(b"\0").decode())["patcher"]
    yield from _head(patcher, device_type)
    scripts = {
        name: embedded[name] if name in embedded else (folder / name).read_bytes()
        for name in _script_names(patcher)
        if name in embedded or (not is_frozen and (folder / name).is_file())
    }
    yield from _boxes(patcher, scripts)
    yield from _cords(patcher)
    yield from _parameters(patcher)
    yield from _face(patcher)
    yield from _behaviour(patcher)
    yield from _scripts(patcher, scripts)


def _head(patcher: dict[str, Any], device_type: bytes) -> Iterator[str]:
    for name in _NEEDED:
        if name not in patcher:
            yield f"The patcher has no {name}."
    if patcher["project"]["amxdtype"] != int.from_bytes(device_type, "big"):
        yield f"amxdtype {patcher['project']['amxdtype']} is not {device_type!r}."
    if patcher["project"]["contents"] != {"patchers": {}}:
        yield "The project has contents that are not in the file."
    if patcher["project"]["devpath"] != "." or patcher["openinpresentation"] != 1:
        yield "devpath must be a dot, and openinpresentation 1."


def _boxes(patcher: dict[str, Any], scripts: dict[str, bytes]) -> Iterator[str]:
    for identity, times in Counter(box["id"] for box in _all(patcher)).items():
        if times > 1:
            yield f"{identity} occurs {times} times."
    for name, times in Counter(box["varname"] for box in _all(patcher) if "varname" in box).items():
        if times > 1:
            yield f"The scripting name {name} occurs {times} times."
    for box in _all(patcher):
        outlets = int(_declared(scripts, box, "outlets") or 1)
        try:
            box_arity = arity(box["maxclass"], box.get("text", ""), outlets)
        except KeyError:
            yield f"{_label(box)} is not a known object."
            continue
        if (box["numinlets"], box["numoutlets"]) != (box_arity.inlets, len(box_arity.outlets)):
            yield f"{_label(box)} has {box_arity.inlets} inlets and {len(box_arity.outlets)} outlets."
        if box.get("outlettype", []) != list(box_arity.outlets):
            yield f"{_label(box)} has the outlet types {list(box_arity.outlets)}."


def _cords(patcher: dict[str, Any]) -> Iterator[str]:
    boxes = {box["id"]: box for box in _all(patcher)}
    seen = set()
    for line in patcher["lines"]:
        (source, outlet), (target, inlet) = line["patchline"]["source"], line["patchline"]["destination"]
        if source not in boxes or target not in boxes:
            yield f"A cord from {source} to {target} has an end without an object."
        elif not 0 <= outlet < boxes[source]["numoutlets"]:
            yield f"{_label(boxes[source])} has no outlet {outlet}."
        elif not 0 <= inlet < boxes[target]["numinlets"]:
            yield f"{_label(boxes[target])} has no inlet {inlet}."
        if (source, outlet, target, inlet) in seen:
            yield f"There are two cords from {source} {outlet} to {target} {inlet}."
        seen.add((source, outlet, target, inlet))
    through = {
        (boxes[source]["text"], outlet, boxes[target]["text"], inlet)
        for source, outlet, target, inlet in seen
        if source in boxes and target in boxes and "text" in boxes[source] and "text" in boxes[target]
    }
    for channel in (0, 1):
        if ("plugin~", channel, "plugout~", channel) not in through:
            yield f"Channel {channel} does not pass through: the device would mute its track."


def _parameters(patcher: dict[str, Any]) -> Iterator[str]:
    listed = {name: values for name, values in patcher["parameters"].items() if name.startswith("obj-")}
    enabled = {box["id"]: box for box in _all(patcher) if box.get("parameter_enable")}
    for identity in listed.keys() ^ enabled.keys():
        yield f"{identity} is a parameter in one place only."
    for name, times in Counter(values[0] for values in listed.values()).items():
        if times > 1:
            yield f"The long name {name} occurs {times} times."
    for identity, box in enabled.items():
        values = box.get("saved_attribute_attributes", {}).get("valueof", {})
        for name in _PARAMETER:
            if name not in values:
                yield f"{_label(box)} has no {name}."
        if identity in listed and listed[identity][:2] != [
            values.get("parameter_longname"), values.get("parameter_shortname"),
        ]:  # fmt: skip
            yield f"{_label(box)} is listed under a different name."
        if (
            values.get("parameter_type") == 2
            and values.get("parameter_mmax") != len(values.get("parameter_enum", [])) - 1
        ):
            yield f"{_label(box)} has a wrong number of choices."
        if values.get("parameter_type") == 1 and values.get("parameter_mmax", 0) > 255:
            yield f"{_label(box)}: an integer parameter cannot exceed 255."
        if _is_button(box) and values.get("parameter_initial_enable"):
            yield f"{_label(box)} is a button: it holds no value, so it has no initial one."
    port = {"Bridge Port"} & {
        name for bank in patcher["parameters"]["parameterbanks"].values() for name in bank["parameters"]
    }
    for name in port:
        yield f"{name} is in a bank of Push."
    for box in _all(patcher):
        if box["maxclass"] in ("live.text", "live.menu", "live.tab", "live.numbox") and box["id"] not in enabled:
            yield f"{_label(box)} needs parameter_enable 1."


def _face(patcher: dict[str, Any]) -> Iterator[str]:
    width, height = patcher["devicewidth"], FACE_HEIGHT
    for box in _all(patcher):
        if not box.get("presentation"):
            continue
        left, top, wide, high = box["presentation_rect"]
        if any(side != int(side) for side in box["presentation_rect"]):
            yield f"{_label(box)} is between pixels."
        if left < 0 or top < 0 or wide <= 0 or high <= 0 or left + wide > width or top + high > height:
            yield f"{_label(box)} extends beyond the face."


def _behaviour(patcher: dict[str, Any]) -> Iterator[str]:
    """Attributes that Max accepts and that do something else than was meant."""
    for box in _all(patcher):
        if box["maxclass"] == "multislider":
            lowest, highest = box["setminmax"]
            if box.get("settype", 1) == 0 and highest - lowest <= 1:
                yield f"{_label(box)} holds whole numbers (settype 0); between {lowest:g} and {highest:g} it has none."
            if box.get("setstyle", 0) != 1:
                yield f"{_label(box)} draws a line that wanders (setstyle 0), not a bar (1)."
        if _is_button(box) and box.get("outputmode") != 1:
            yield f"{_label(box)} acts at the press of the mouse; Live's own buttons do at its release (outputmode 1)."


def _is_button(box: dict[str, Any]) -> bool:
    return bool(box["maxclass"] == "live.text" and box.get("mode") == 0)


def _scripts(patcher: dict[str, Any], scripts: dict[str, bytes]) -> Iterator[str]:
    cached = {entry["name"] for entry in patcher["dependency_cache"]}
    boxes = {box["id"]: box for box in _all(patcher)}
    for box in _all(patcher):
        if not (name := _script_of(box)):
            continue
        if name not in cached:
            yield f"{name} is not in dependency_cache."
        if box.get("saved_object_attributes", {}).get("filename") != name:
            yield f"js {name} names another file in saved_object_attributes."
        if name not in scripts:
            yield f"{name} is missing."
            continue
        script = scripts[name].decode("ascii")
        yield from (f"{name}, {fault}" for fault in es5.es5_faults(script))
        if re.search(r"\b(outlet|messnamed|post)\.(apply|call)\b", script):
            yield f"{name} uses apply or call on a function of Max's own, which may end Live."
        handled = functions(script)
        for selector in sorted(_selectors(patcher, boxes, box["id"]) | CALLED_BY_MAX):
            if selector not in handled:
                yield f"{name} has no function {selector}, which is sent to it."


def _selectors(patcher: dict[str, Any], boxes: dict[str, Any], target: str) -> set[str]:
    """The selectors of the messages that reach an object: from message boxes and `prepend`, also through `deferlow`."""
    selectors = set()
    for line in patcher["lines"]:
        source = boxes.get(line["patchline"]["source"][0])
        if source is None or line["patchline"]["destination"][0] != target:
            continue
        words = source.get("text", "").split()
        if source["maxclass"] == "message":
            selectors.add(words[0])
        elif words[0] == "prepend":
            selectors.add(words[1])
        elif words[0] == "deferlow":
            selectors |= _selectors(patcher, boxes, source["id"])
        elif words[0] == "t":
            selectors.add("bang")
    return selectors


def _declared(scripts: dict[str, bytes], box: dict[str, Any], name: str) -> str:
    script = scripts.get(_script_of(box), b"").decode("ascii")
    _, found, rest = script.rpartition(f"\n{name} = ")
    return rest.split(";")[0] if found else ""


def _script_of(box: dict[str, Any]) -> str:
    words = box.get("text", "").split()
    return words[1] if box["maxclass"] == "newobj" and len(words) > 1 and words[0] == "js" else ""


def _script_names(patcher: dict[str, Any]) -> set[str]:
    return {name for box in _all(patcher) if (name := _script_of(box))}


def _all(patcher: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["box"] for entry in patcher["boxes"]]


def _label(box: dict[str, Any]) -> str:
    return f"{box['id']} ({box.get('varname') or box.get('text') or box['maxclass']})"
