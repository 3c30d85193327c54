"""Requests and results as histories, manifests, the cache and clients get them.

A request is one flat object, whose keys do not change when the groups do; a result has one path.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol, TypeVar

import msgspec

from bridge.errors import BadArguments
from bridge.events import Event, JobEvent, Produced, Submitted
from bridge.model import Job, Result
from bridge.options.request import OPTIONAL_GROUPS
from bridge.options.table import OPTIONS
from bridge.request import JobRequest, Quantise, ScaleFit
from bridge.system.files import parsed

T = TypeVar("T")


class HoldsResults(Protocol):
    """A value with a list of results."""

    @property
    def results(self) -> tuple[Result, ...]: ...


#: What the record says of a group that is absent.
_ABSENT = {"quantise": Quantise(), "scale": ScaleFit(scale="auto")}


def to_record(request: JobRequest) -> dict[str, object]:
    """The request in JSON's types."""
    record: dict[str, object] = {"source": request.source, "transcribe_as": request.stems.transcribe_as}
    for option in OPTIONS.values():
        group, _, field = option.field.partition(".")
        values = getattr(request, group)
        if values is None:
            values = _ABSENT[group]
            value = None if field == OPTIONAL_GROUPS[group] else getattr(values, field)
        else:
            value = getattr(values, field)
        record[option.record] = option.kind.recorded(value)
    return record


def from_record(record: Mapping[str, object]) -> JobRequest:
    """Reads what `to_record` wrote, now or in an earlier version; what is missing has its default.

    Raises:
        ValueError: it is no record of a request.
    """
    groups: dict[str, dict[str, object]] = {"stems": {"transcribe_as": record.get("transcribe_as")}}
    try:
        for option in OPTIONS.values():
            if option.record in record:
                group, _, field = option.field.partition(".")
                groups.setdefault(group, {})[field] = option.kind.restored(record[option.record])
        for group, field in OPTIONAL_GROUPS.items():
            if groups.get(group, {}).get(field) is None:
                groups.pop(group, None)
        return msgspec.convert({"source": record.get("source"), **groups}, JobRequest)
    except BadArguments as error:
        raise ValueError(str(error)) from error


def result_record(result: Result) -> dict[str, object]:
    """A result in JSON's types, with its folder and file as one `path`."""
    record = msgspec.to_builtins(result)
    del record["folder"], record["file"]
    return {"kind": result.kind, "name": result.name, "path": result.path, **record}


def event_record(event: Event) -> dict[str, object]:
    """An event in JSON's types, with its request or its result as a record."""
    record: dict[str, object] = msgspec.to_builtins(event)
    match event:
        case Submitted(request=request):
            record["request"] = to_record(request)
        case Produced(result=result):
            record["result"] = result_record(result)
    return record


def job_record(job: Job) -> dict[str, object]:
    """A job in JSON's types, with its request and its results as records."""
    return {**_with_results(job), "request": to_record(job.request)}


def to_json(value: HoldsResults) -> bytes:
    """The JSON of a value with results, such as a manifest."""
    return msgspec.json.encode(_with_results(value))


def from_json(content: bytes, kind: type[T]) -> T:
    """Reads what `to_json` wrote, now or in an earlier version.

    Raises:
        ValueError: it is no JSON of a value of this kind.
    """
    return parsed(content, lambda text: msgspec.convert(_with_folders(msgspec.json.decode(text)), kind))


def event_from_json(line: bytes) -> JobEvent:
    """An event of a job from the JSON of its `event_record`.

    Raises:
        ValueError: it is none.
    """
    has_record = b'"request"' in line or b'"result"' in line
    event: JobEvent = parsed(line, _decode_with_record if has_record else _DECODER.decode)
    return event


_DECODER = msgspec.json.Decoder(JobEvent)
#: Stands for a request while its event is converted; the request itself is read from its record only once.
_PLACEHOLDER = {"source": ""}


def _decode_with_record(line: bytes) -> JobEvent:
    record = _with_folders(msgspec.json.decode(line))
    request: JobRequest | None = None
    if isinstance(record, dict) and isinstance(record.get("request"), dict):
        request = from_record(record["request"])
        record["request"] = _PLACEHOLDER
    event: JobEvent = msgspec.convert(record, JobEvent)
    return msgspec.structs.replace(event, request=request) if isinstance(event, Submitted) and request else event


def _with_results(value: HoldsResults) -> dict[str, object]:
    return {**msgspec.to_builtins(value), "results": [*map(result_record, value.results)]}


def _with_folders(record: object) -> object:
    """The record with the `path` of each result in it split into folder and file."""
    if isinstance(record, dict):
        results = record.get("results")
        for result in (record.get("result"), *(results if isinstance(results, list) else ())):
            if isinstance(result, dict) and isinstance(result.get("path"), str):
                result["folder"], result["file"] = os.path.split(result.pop("path"))
    return record
