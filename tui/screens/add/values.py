"""What stands in the fields of the form, read by the kinds of the option table: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bridge.errors import BadArguments
from bridge.model import ModelInfo
from bridge.options.request import check_request, with_options
from bridge.options.table import OPTIONS
from bridge.request import GroupChoice, JobRequest
from bridge.stems import STEMS, opposite_of, single_stem_of
from bridge.units import clock_text
from tui.widgets.chips import Chip

AUTO = "auto"
VOCALS = STEMS[0]
#: The two stems of the preset.
TWO_STEMS = (VOCALS, opposite_of(VOCALS))
#: The options that the form has fields for.
FIELDS = ("engine", "stems", "start", "end", "tempo", "format", "project", "out")
#: Those that belong to one clip: they are not remembered for the next.
_OF_ONE_CLIP = ("start", "end", "tempo", "project", "out")


@dataclass(frozen=True)
class Filled:
    """A form as it was sent."""

    paths: tuple[str, ...]
    options: Mapping[str, str]
    """The options that were given, by their names, as they were typed."""
    live_sync: str | None = None
    """What the notes follow that play live; None: nothing plays."""
    base: JobRequest | None = None
    """The request that this one repeats with changes; None: the settings' defaults."""

    @property
    def to_remember(self) -> dict[str, str]:
        return {name: text for name, text in self.options.items() if name not in _OF_ONE_CLIP}


def typed_seconds(text: str) -> str:
    """Minutes and seconds, as `1:07.5`, as seconds; other text as it is."""
    minutes, colon, seconds = text.strip().rpartition(":")
    if not colon:
        return text.strip()
    try:
        total, factor = float(seconds), 60.0
        for part in reversed(minutes.split(":")):
            total += int(part) * factor
            factor *= 60
    except ValueError:
        return text.strip()
    return f"{total:g}"


def raw_value(name: str, text: str) -> str:
    """What is typed into a field, as its option takes it."""
    return typed_seconds(text) if name in ("start", "end") else text.strip()


def error_in(name: str, text: str) -> str:
    """Why a field cannot stay as it is; empty: it can."""
    if not (raw := raw_value(name, text)):
        return ""
    try:
        OPTIONS[name].read(OPTIONS[name].kind.resolved(name, raw, None))
    except BadArguments as error:
        return error.message
    return ""


def shown_options(request: JobRequest) -> dict[str, str]:
    """The fields of a form for this request."""
    nothing = JobRequest(source=request.source)
    shown = {}
    for name in FIELDS:
        option = OPTIONS[name]
        value = option.value(request)
        if name in ("engine", "stems", "format") or value != option.value(nothing):
            shown[name] = f"{value:g}" if isinstance(value, float) else str(option.kind.shown(value))
    return shown


def request_again(base: JobRequest, source: str, options: Mapping[str, str]) -> JobRequest:
    """The request `base` for `source`, with what the form says in place of its own.

    Raises:
        BadArguments: an option is out of range.
    """
    nothing = JobRequest(source=source)
    cleared = {
        group: msgspec.structs.replace(
            getattr(base, group),
            **{
                OPTIONS[name].field.partition(".")[2]: OPTIONS[name].value(nothing)
                for name in FIELDS
                if name not in options and OPTIONS[name].field.startswith(f"{group}.")
            },
        )
        for group in {OPTIONS[name].field.partition(".")[0] for name in FIELDS}
    }
    request = msgspec.structs.replace(base, source=source, group=GroupChoice(), **cleared)
    request = with_options(request, options)
    check_request(request)
    return request


def stems_option(chosen: Sequence[str], offered: Sequence[str]) -> str:
    """`stems` as it is typed; all that the engine has are `all`."""
    return "all" if set(chosen) == set(offered) else ",".join(chosen)


def stems_of_option(text: str, offered: Sequence[str]) -> tuple[str, ...]:
    """The stems that a typed option names; those that the engine has for `all`, or where it cannot be read."""
    try:
        read = OPTIONS["stems"].read(text)
    except BadArguments:
        read = "all"
    return tuple(offered) if read == "all" or not isinstance(read, tuple) else read


def missing_stems(chosen: Sequence[str], engine: str, models: Sequence[ModelInfo]) -> str:
    """Why the engine cannot give these stems; empty: it can, or nothing is known of it."""
    model = next((model for model in models if model.name == engine), None)
    lacking = [] if model is None else [name for name in chosen if single_stem_of(name) not in model.stems]
    return f"{engine} has no {' and no '.join(lacking)}" if lacking else ""


def engine_chips(models: Sequence[ModelInfo], seconds: float, also: str = "") -> tuple[Chip, ...]:
    """The engines that can start without a download, each with the time that it was measured to take for a clip."""
    chips = [Chip(AUTO, AUTO)]
    for model in models:
        if model.present or model.name == also:
            took = seconds / model.speed if model.speed else 0.0
            chips.append(Chip(model.name, model.name, clock_text(max(1.0, took)) if took else ""))
    if also and also not in {chip.value for chip in chips}:
        chips.append(Chip(also, also))
    return tuple(chips)


def stem_chips() -> tuple[Chip, ...]:
    """The six stems."""
    return tuple(Chip(stem, stem) for stem in STEMS)
