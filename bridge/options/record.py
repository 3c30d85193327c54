"""A request as histories and manifests write it: one flat object, whose keys do not change when the groups do."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bridge.errors import BadArguments
from bridge.events import Event, JobEvent, Submitted
from bridge.options.request import OPTIONAL_GROUPS
from bridge.options.table import OPTIONS
from bridge.request import JobRequest, Quantise, ScaleFit
from bridge.system.files import parsed

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


def event_record(event: Event) -> dict[str, object]:
    """An event in JSON's types, with its request as a record."""
    record: dict[str, object] = msgspec.to_builtins(event)
    if isinstance(event, Submitted):
        record["request"] = to_record(event.request)
    return record


def event_from_json(line: bytes) -> JobEvent:
    """An event of a job from the JSON of its `event_record`.

    Raises:
        ValueError: it is none.
    """
    event: JobEvent = parsed(line, _decode_submitted if b'"request"' in line else _DECODER.decode)
    return event


_DECODER = msgspec.json.Decoder(JobEvent)


def _decode_submitted(line: bytes) -> JobEvent:
    record = msgspec.json.decode(line)
    if isinstance(record, dict) and isinstance(record.get("request"), dict):
        record["request"] = msgspec.to_builtins(from_record(record["request"]))
    event: JobEvent = msgspec.convert(record, JobEvent)
    return event
