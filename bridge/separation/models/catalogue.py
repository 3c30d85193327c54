"""The separation engines by name, with a note for musicians on each. Imports neither torch nor demucs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from msgspec.structs import replace

from bridge.errors import WeightsUnavailable
from bridge.model import ModelInfo
from bridge.options.readers import one_of
from bridge.separation.models.locations import ModelLocations, Weights
from bridge.separation.models.openunmix import INSTALL

AUTO = "auto"
DRAFT = "draft"
#: The engine that `auto` opens if its weights are available.
PREFERRED = "htdemucs"

FOUR_STEMS = ("vocals", "drums", "bass", "other")
SIX_STEMS = (*FOUR_STEMS, "guitar", "piano")

_TERMS = "Weights: see the authors' terms (trained in part on MUSDB18, whose songs are for non-commercial research)."

NOTES: dict[str, str] = {
    DRAFT: "Built in, no download, many times faster than real time. A sketch: expect bleed between the stems.",
    "htdemucs": "The one to start with: clean stems, and the fastest of the good models. " + _TERMS,
    "htdemucs_ft": "htdemucs tuned for each stem: a little better, up to four times slower. " + _TERMS,
    "htdemucs_6s": "Adds guitar and piano; the guitar is usable, the piano bleeds. " + _TERMS,
    "hdemucs_mmi": "The generation before htdemucs, retrained on 800 songs more. " + _TERMS,
    "mdx": "Won its track of the 2021 Music Demixing Challenge; trained on MUSDB18-HQ alone. " + _TERMS,
    "mdx_extra": "As mdx, trained on more songs; second of its track in 2021. " + _TERMS,
    "mdx_q": "mdx as a smaller download, a little worse. " + _TERMS,
    "umxhq": "Open-Unmix: light and older; trained on MUSDB18-HQ. " + _TERMS,
    "umxl": "Open-Unmix, larger, trained on more songs. Weights: CC BY-NC-SA 4.0, not for commercial use.",
    "mdx_extra_q": "mdx_extra as a smaller download, a little worse. " + _TERMS,
}

#: Size of each checkpoint on the authors' server (`Content-Length`) in bytes, as public projects pin it together with
#: the SHA-256 whose first digits are in the file name. The hub's safetensors are about 0.1 % smaller (htdemucs_ft
#: 84,025,440, htdemucs_6s 54,885,744). No published size was found for `mdx`, `mdx_q` and the other missing models.
_CHECKPOINT_BYTES = {
    "955717e8": 84_141_911,
    "f7e0c4bc": 84_141_271,
    "d12395a8": 84_141_271,
    "92cfc3b6": 84_141_271,
    "04573f0d": 84_141_271,
    "5c90dfd2": 54_996_327,
    "75fc33f5": 167_407_275,
    "e51eebcc": 167_399_275,
    "a1d90b5c": 167_391_595,
    "5d2d6c55": 167_391_595,
    "cfa93e08": 167_399_275,
    "83fc094f": 50_756_993,
    "464b36d7": 38_893_153,
    "14fc6a69": 38_491_885,
    "7fd6ef75": 39_436_529,
}

_DIFFQ = " Needs the Python package diffq."


def known_engines(models_dir: Path) -> tuple[str, ...]:
    """Every engine name that a job may request, `auto` first. Only lists folders, so it is fast."""
    return engine_names(ModelLocations.of(models_dir))


def check_engine(name: str, models_dir: Path) -> None:
    """Lists the model folders now, so that a new model is accepted as soon as it is there.

    Raises:
        BadArguments: no engine and no model has that name.
    """
    one_of("engine", name, known_engines(models_dir))


def engine_names(locations: ModelLocations) -> tuple[str, ...]:
    """As `known_engines`, for given locations."""
    names = (
        AUTO,
        DRAFT,
        *locations.released.names,
        *locations.unmix_names,
        *locations.user_bags(),
        *locations.user_checkpoints(),
    )
    return tuple(dict.fromkeys(names))


def catalogue(
    models_dir: Path, locations: ModelLocations | None = None, speeds: Mapping[str, float] | None = None
) -> tuple[ModelInfo, ...]:
    """Every engine with its stems and whether it is present; the stems of a user's model are () until it is loaded.

    Args:
        speeds: engine → seconds of audio per second, from `EngineSpeeds.fastest`.
    """
    entries = _entries(models_dir, locations)
    return tuple(replace(info, speed=(speeds or {}).get(info.name)) for info in entries)


def _entries(models_dir: Path, locations: ModelLocations | None) -> tuple[ModelInfo, ...]:
    locations = locations or ModelLocations.of(models_dir)
    used: set[str] = set()
    entries = [ModelInfo(name=DRAFT, stems=FOUR_STEMS, present=True, note=NOTES[DRAFT])]
    for name in dict.fromkeys((*locations.released.names, *locations.unmix_names, *locations.user_bags())):
        bag = locations.released.bag(name)
        used.update(bag.signatures if bag else ())
        entries.append(_bag_entry(name, locations))
    for name in locations.user_bags():
        weights = _find(name, locations)[0]
        used.update(weights.bag.signatures if weights else ())
    unused = [name for name in locations.user_checkpoints() if name not in used]
    note = "Your own checkpoint; its stems are known once it is loaded."
    return (
        *entries,
        *(
            ModelInfo(name=name, stems=(), present=True, note=note, size_bytes=_size(locations.find(name)))
            for name in unused
        ),
    )


def _bag_entry(name: str, locations: ModelLocations) -> ModelInfo:
    weights, problem = _find(name, locations)
    if name in locations.unmix_names:
        missing = find_spec("openunmix") is None
        note = problem or NOTES[name] + (f" Needs the Python package openunmix. {INSTALL}" if missing else "")
        is_present = weights is not None and not missing
        return ModelInfo(name=name, stems=FOUR_STEMS, present=is_present, note=note, size_bytes=_size(weights))
    if name not in locations.released.names:
        note = problem or "Your own model; its stems are known once it is loaded."
        return ModelInfo(name=name, stems=(), present=weights is not None, note=note, size_bytes=_size(weights))
    note = NOTES.get(name, "One of the models behind a published result, for comparisons. " + _TERMS)
    if is_quantised(name):
        note += _DIFFQ
    present = weights is not None and not needs_diffq(name)
    stems = SIX_STEMS if name == "htdemucs_6s" else FOUR_STEMS
    size = _released_size(name, locations) if weights is None else _size(weights)
    return ModelInfo(name=name, stems=stems, present=present, note=problem or note, size_bytes=size)


def _size(weights: Weights | None) -> int | None:
    """Total size of a model's files in bytes."""
    return None if weights is None else sum(path.stat().st_size for path in dict.fromkeys(weights.files))


def _released_size(name: str, locations: ModelLocations) -> int | None:
    """Approximate download size of a released model in bytes; None if unknown."""
    bag = locations.released.bag(name)
    sizes = [_CHECKPOINT_BYTES.get(signature) for signature in dict.fromkeys(bag.signatures)] if bag else []
    known = [size for size in sizes if size is not None]
    return sum(known) if sizes and len(known) == len(sizes) else None


def _find(name: str, locations: ModelLocations) -> tuple[Weights | None, str]:
    """The weights of `name`, or an error message: a damaged model must not stop the listing."""
    try:
        return locations.find(name), ""
    except WeightsUnavailable as exc:
        return None, str(exc)


def is_quantised(name: str) -> bool:
    """True for released models whose weights need the package diffq."""
    return name.endswith("_q")


def needs_diffq(name: str) -> bool:
    """True if `name` cannot be loaded because diffq is not installed."""
    return is_quantised(name) and find_spec("diffq") is None
