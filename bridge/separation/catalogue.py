"""The separation engines by name, with a note for musicians on each. Imports neither torch nor demucs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import WeightsUnavailable
from bridge.model import ModelInfo
from bridge.options.readers import one_of
from bridge.separation.families.table import EngineFamilies
from bridge.separation.names import AUTO

if TYPE_CHECKING:
    from bridge.separation.families.family import Description
    from bridge.separation.models.weights import Weights


def known_engines(models_dir: Path) -> tuple[str, ...]:
    """Every engine name that a job may request, `auto` first. Only lists folders, so it is fast."""
    return engine_names(EngineFamilies.of(models_dir))


def check_engine(name: str, models_dir: Path) -> None:
    """Lists the model folders now, so that a new model is accepted as soon as it is there.

    Raises:
        BadArguments: no engine and no model has that name.
    """
    families = EngineFamilies.of(models_dir)
    wanted = name.casefold()
    # The user's models come last, so that a drive that does not answer hinders only those.
    if wanted == AUTO or any(wanted in map(str.casefold, row.names()) for row in families.rows):
        return
    one_of("engine", name, engine_names(families))


def engine_names(families: EngineFamilies) -> tuple[str, ...]:
    """As `known_engines`, for given families."""
    return tuple(dict.fromkeys((AUTO, *families.names())))


def catalogue(models_dir: Path, speeds: Mapping[str, float] | None = None) -> tuple[ModelInfo, ...]:
    """Every engine with its stems and whether it is present; the stems of a user's model are () until it is loaded.

    Args:
        speeds: engine → seconds of audio per second, from `EngineSpeeds.fastest`.
    """
    return engine_entries(EngineFamilies.of(models_dir), speeds)


def engine_entries(families: EngineFamilies, speeds: Mapping[str, float] | None = None) -> tuple[ModelInfo, ...]:
    """As `catalogue`, for given families."""
    descriptions, speeds = families.descriptions(), speeds or {}
    return tuple(_entry(name, row, families, speeds.get(name)) for name, row in descriptions.items())


def _entry(name: str, description: Description, families: EngineFamilies, speed: float | None) -> ModelInfo:
    weights, problem = _find(name, families)
    return ModelInfo(
        name=name,
        stems=description.stems,
        present=weights is not None and description.is_usable,
        note=problem or description.note,
        size_bytes=weights.size_bytes if weights else description.download_bytes,
        speed=speed,
        licence=description.licence,
    )


def _find(name: str, families: EngineFamilies) -> tuple[Weights | None, str]:
    """The weights of `name`, or an error message: a damaged model must not stop the listing."""
    try:
        return families.find(name), ""
    except WeightsUnavailable as exc:
        return None, str(exc)
