"""Builds a `JobRequest` from options and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bridge.errors import BadArguments, unresponsive_drive
from bridge.options.paths import absolute_path, current_folder
from bridge.options.readers import listed
from bridge.options.table import OPTIONS
from bridge.request import JobRequest, Quantise, ScaleFit
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.value import Value

#: The groups that a request may lack → the field without which there is no such group.
OPTIONAL_GROUPS = {"quantise": "grid", "scale": "scale"}
_STRUCTS: dict[str, type[Value]] = {"quantise": Quantise, "scale": ScaleFit}


def build_request(
    source: str, options: Mapping[str, object], defaults: JobRequest, base: Path | None = None
) -> JobRequest:
    """The request, checked and normalised. Whether its engine exists is checked later, with its files.

    Args:
        source: the path of the clip.
        options: by their names in `OPTIONS`; None: not given.
        defaults: the values of options that are not given.
        base: the folder that relative paths start from; None: only absolute paths are allowed.

    Raises:
        BadArguments: an option is unknown or its value is out of range, or nothing is left to do.
    """
    request = with_options(defaults, options, base)
    request = msgspec.structs.replace(request, source=absolute_path("path", source, base))
    check_request(request)
    return request


async def request_for_clip(source: str, options: Mapping[str, object], defaults: JobRequest) -> JobRequest:
    """As `build_request`, for a path that a user of this program names: relative to its folder, and off the event loop.

    Raises:
        BadArguments: as `build_request`.
        NotReadable: the drive of the current folder does not answer.
    """
    try:
        return await off_loop(
            lambda: build_request(source, options, defaults, current_folder()), timeout_seconds=ANSWER_SECONDS
        )
    except TimeoutError:
        raise unresponsive_drive(source) from None


def check_request(request: JobRequest) -> None:
    """Raises BadArguments if options contradict each other, or nothing is left to do."""
    region, reading, stems = request.region, request.reading, request.stems
    if region.end_seconds is not None and region.end_seconds <= region.start_seconds:
        raise BadArguments(f"end ({region.end_seconds:g} s) must lie after start ({region.start_seconds:g} s).")
    if reading.lowest is not None and reading.highest is not None and reading.lowest > reading.highest:
        raise BadArguments(f"lowest (MIDI {reading.lowest}) must not lie above highest (MIDI {reading.highest}).")
    if stems.audio == () and stems.midi == ():
        raise BadArguments("With stems none and midi none there is nothing to do.")


def check_for_several(request: JobRequest) -> None:
    """Raises BadArguments if what is asked for of several clips can be had of one only."""
    if request.note_files.picture:
        raise BadArguments("--picture names one file, and there are several clips.", advice="Say --picture 1.")


def with_options(request: JobRequest, options: Mapping[str, object], base: Path | None = None) -> JobRequest:
    """The request with these options in it.

    Raises:
        BadArguments: an option is unknown, or its value is out of range.
    """
    groups: dict[str, dict[str, object]] = {}
    for name, value in options.items():
        if name not in OPTIONS:
            raise BadArguments(f"There is no option {name!r}; there are {listed(OPTIONS)}.")
        if value is None:
            continue
        option = OPTIONS[name]
        group, _, field = option.field.partition(".")
        groups.setdefault(group, {})[field] = option.read(option.kind.resolved(name, value, base))
    return msgspec.structs.replace(
        request, **{group: _changed(group, getattr(request, group), fields) for group, fields in groups.items()}
    )


def _changed(group: str, present: Value | None, fields: Mapping[str, object]) -> Value | None:
    if group not in OPTIONAL_GROUPS:
        assert present is not None
        return msgspec.structs.replace(present, **fields)
    if present is not None:
        fields = {**msgspec.structs.asdict(present), **fields}
    return None if fields.get(OPTIONAL_GROUPS[group]) is None else _STRUCTS[group](**fields)
