"""JSON Schemas (2020-12) of what requests say and answers hold, from the table of options and the values themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, get_args

import msgspec

from bridge.errors import ADVICE
from bridge.model import TOGETHER, Job
from bridge.options.kinds import Names, Number, Switch, WholeNumber
from bridge.options.special_kinds import MAP, PlayTime, Stems, TempoKind
from bridge.options.table import OPTIONS, Option
from bridge.osc.http.jobs.events import event_kinds
from bridge.osc.http.view import SUMMARY_FIELDS, FileKind
from bridge.request import LIVE, SYNCS
from bridge.stems import STEMS

Schema: TypeAlias = dict[str, object]

PLACE = "#/components/schemas/"
#: What keys hold that the values' own types describe in another form than records have them.
_TEXT: Schema = {"type": "string"}


def ref(name: str) -> Schema:
    return {"$ref": PLACE + name}


def strict(properties: Mapping[str, object], *optional: str, description: str = "") -> Schema:
    """An object with these properties and no others."""
    required = [name for name in properties if name not in optional]
    found: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {
        **found,
        **({"required": required} if required else {}),
        **({"description": description} if description else {}),
    }


def option_schema(option: Option) -> Schema:
    """What a program may say for an option; people may say more (`16` for `"16"`, capitals, lists with commas)."""
    return {**_of_kind(option), "description": f"{option.help} Values: {option.words}."}


def option_schemas() -> dict[str, object]:
    return {name: option_schema(option) for name, option in OPTIONS.items()}


def components() -> dict[str, object]:
    """All schemas that have a name."""
    _, found = msgspec.json.schema_components((Job, *event_kinds()), ref_template=PLACE + "{name}")
    own = {name: _as_sent(schema) for name, schema in found.items()}
    own["JobRequest"] = _request_record()
    own["Result"] = _result_record(own["Result"])
    job = own["Job"]
    own["Summary"] = _summary(job)
    file = strict(
        {
            "name": _TEXT,
            "kind": {"enum": list(get_args(FileKind))},
            "stem": {**_TEXT, "description": f"`{TOGETHER}` if it holds all stems."},
            "href": _TEXT,
        },
        description="A file, what is in it, and where it can be fetched.",
    )
    files: Schema = {"type": "array", "items": file}
    own["JobWithFiles"] = _with_property(job, "files", files)
    own["JobList"] = strict({"total": {"type": "integer"}, "jobs": {"type": "array", "items": ref("Summary")}})
    own["Accepted"] = strict(
        {"id": _TEXT, "position": {"type": "integer", "description": "Jobs before it."}, "job": ref("Job")}
    )
    own["Error"] = strict(
        {"code": {"enum": [*ADVICE, "forbidden"]}, "message": _TEXT},
        description="The code is stable; the message says what to do.",
    )
    own["PathRequest"] = strict(
        {"path": {**_TEXT, "description": "The clip, on the bridge's computer."}, **option_schemas()}, *OPTIONS
    )
    own["Form"] = strict({"file": {"description": "The clip."}, "options": ref("Options"), **option_schemas()},
                         "options", *OPTIONS)  # fmt: skip
    own["Options"] = strict(option_schemas(), *OPTIONS)
    own["PlayRequest"] = strict(
        {
            "stems": {"type": "array", "items": {"enum": list(STEMS)}, "minItems": 1, "uniqueItems": True},
            "sync": {"enum": list(SYNCS)},
        },
        "stems",
        "sync",
    )
    roots = ("JobWithFiles", "JobList", "Accepted", "Error", "PathRequest", "Form", "PlayRequest")
    kept = _closure(own, (*roots, *(kind.__name__ for kind in event_kinds())))
    return {name: own[name] for name in sorted(kept)}


def _of_kind(option: Option) -> Schema:
    kind = option.kind
    if isinstance(kind, Switch):
        return {"type": "boolean"}
    if isinstance(kind, PlayTime):
        return {"anyOf": [{"type": "boolean"}, {"const": LIVE}]}
    if isinstance(kind, Number):
        limits = {} if kind.range is None else {"minimum": kind.range.lowest, "maximum": kind.range.highest}
        number: Schema = {"type": "integer" if isinstance(kind, WholeNumber) else "number"}
        number.update({name: limit for name, limit in limits.items() if limit is not None})
        return {"anyOf": [number, {"const": MAP}]} if isinstance(kind, TempoKind) else number
    if isinstance(kind, (Stems, Names)):
        alone = ("all", "none", *([kind.also] if kind.also else [])) if isinstance(kind, Stems) else ("none",)
        several: Schema = {"type": "array", "items": {"enum": list(kind.names)}, "minItems": 1, "uniqueItems": True}
        return {"anyOf": [{"enum": list(alone)}, several]}
    if kind.range is not None and kind.range.choices:
        return {"enum": list(kind.range.choices)}
    return _TEXT


def _as_sent(schema: Mapping[str, object]) -> Schema:
    """A value's schema, as msgspec writes the value: with all of its fields."""
    found = {name: value for name, value in schema.items() if name != "title"}
    properties = found.get("properties")
    if isinstance(properties, dict):
        for field in properties.values():
            field.pop("default", None)
        found["required"], found["additionalProperties"] = list(properties), False
    return found


def _properties(schema: Schema) -> dict[str, object]:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return properties


def _with_property(schema: Schema, name: str, value: Schema) -> Schema:
    properties = {**_properties(schema), name: value}
    return {**schema, "properties": properties, "required": list(properties)}


def _request_record() -> Schema:
    properties: dict[str, object] = {"source": _TEXT, "transcribe_as": {"type": ["string", "null"]}}
    properties.update({option.record: {"description": option.help} for option in OPTIONS.values()})
    return strict(properties, description="A request as records have it.")


def _result_record(schema: Schema) -> Schema:
    properties = {**_properties(schema), "path": _TEXT}
    for name in ("folder", "file"):
        del properties[name]
    return {**schema, "properties": properties, "required": list(properties)}


def _summary(job: Schema) -> Schema:
    properties = {name: _properties(job)[name] for name in SUMMARY_FIELDS}
    return strict({**properties, "group": {**_TEXT, "description": "The name of its group."}})


def _closure(schemas: Mapping[str, Schema], roots: Iterable[str]) -> set[str]:
    """The names that are needed to follow every reference from these."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_references(schemas[name]))
    return found


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(target := value.get("$ref"), str):
            yield target.removeprefix(PLACE)
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
