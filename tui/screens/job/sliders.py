"""The sliders below the roll: options about notes, each with the values that it runs through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from msgspec.structs import replace

from bridge.errors import BadArguments
from bridge.model import Music
from bridge.music.scale import TONIC_NAMES, parse_scale, scale_name
from bridge.options.kinds import Choice
from bridge.options.request import with_options
from bridge.options.table import OPTIONS
from bridge.request import JobRequest, Scale

#: Said of an option that is left to the stem's profile.
BY_PROFILE = "auto"
_SHORTEST_MS = (20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 140, 160, 200, 250, 300, 400, 500)
_USUAL_SHORTEST_MS = 50
_SENSITIVITY = tuple(range(0, 101, 5))
_USUAL_SENSITIVITY = 50
_MODES = ("major", "minor")


@dataclass(frozen=True)
class Slider:
    """One option, and what the keys make of it."""

    option: str
    """Its name in `OPTIONS`."""
    label: str
    """One word."""
    values: Callable[[Music | None], Sequence[object]]
    """The raw values in order, as a user would type them; None: the stem's profile."""
    unit: str = ""

    def value(self, request: JobRequest) -> object:
        """The raw value in a request; None where the stem's profile decides."""
        option = OPTIONS[self.option]
        found = option.value(request)
        if isinstance(found, Scale):
            return scale_name(found)
        if isinstance(found, float):
            return round(found * getattr(option.kind, "divisor", 1.0))
        if found is None and isinstance(option.kind, Choice):
            return option.kind.names[0]
        return "none" if found is None and self.option == "scale" else found

    def words(self, request: JobRequest) -> str:
        """The value in words: `90 ms`, `1/16`, `auto`."""
        value = self.value(request)
        return BY_PROFILE if value is None else f"{value}{self.unit}"

    def fraction(self, request: JobRequest, music: Music | None) -> float:
        """Where the value stands among all, 0–1."""
        values = self._values(request, music)
        return values.index(self.value(request)) / max(1, len(values) - 1)

    def moved(self, request: JobRequest, steps: int, music: Music | None) -> JobRequest:
        """The request with the value so many places further; it stays at the ends."""
        values = self._values(request, music)
        place = values.index(self.value(request)) + steps
        return self.put(request, values[max(0, min(place, len(values) - 1))])

    def at(self, request: JobRequest, fraction: float, music: Music | None) -> JobRequest:
        """The request with the value that stands there, 0–1."""
        values = self._values(request, music)
        return self.put(request, values[round(max(0.0, min(fraction, 1.0)) * (len(values) - 1))])

    def put(self, request: JobRequest, value: object) -> JobRequest:
        """The request with this raw value. Raises BadArguments if it is out of range."""
        if value is not None:
            return with_options(request, {self.option: value})
        group, _, field = OPTIONS[self.option].field.partition(".")
        return replace(request, **{group: replace(getattr(request, group), **{field: None})})

    def _values(self, request: JobRequest, music: Music | None) -> list[object]:
        """The values, with the one that a request has, wherever it comes from."""
        values, present = list(self.values(music)), self.value(request)
        if present in values:
            return values
        numbers = [place for place, one in enumerate(values) if isinstance(one, int) and isinstance(present, int)]
        after = next((place for place in numbers if values[place] > present), len(values))  # type: ignore[operator]
        return [*values[:after], present, *values[after:]]


def _names(option: str) -> Callable[[Music | None], Sequence[object]]:
    kind = OPTIONS[option].kind
    assert isinstance(kind, Choice)
    return lambda _: kind.names


def _numbers(values: Sequence[int], before: int) -> Callable[[Music | None], Sequence[object]]:
    """The numbers, with the stem's profile before the one that it is nearest to."""
    place = next(index for index, value in enumerate(values) if value >= before)
    return lambda _: (*values[:place], None, *values[place:])


def _scales(music: Music | None) -> Sequence[object]:
    """None, the key that the notes are in, the job's key, then every major and minor scale."""
    found = []
    if music is not None and music.key:
        try:
            found = [scale_name(parse_scale(music.key))]
        except BadArguments:  # a record of another version names it otherwise
            found = []
    every = (f"{tonic} {mode}" for mode, tonic in product(_MODES, TONIC_NAMES))
    return ("none", "auto", *found, *(name for name in every if name not in found))


SLIDERS: tuple[Slider, ...] = (
    Slider("shortest", "shortest", _numbers(_SHORTEST_MS, _USUAL_SHORTEST_MS), " ms"),
    Slider("sensitivity", "sensitivity", _numbers(_SENSITIVITY, _USUAL_SENSITIVITY), " %"),
    Slider("quantise", "grid", _names("quantise")),
    Slider("scale", "scale", _scales),
    Slider("reading", "reading", _names("reading")),
    Slider("voices", "voices", _names("voices")),
)
