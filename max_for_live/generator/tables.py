"""Generates `code/tables.js`, the tables of the device's script, from the tables that the bridge uses.

`python -m max_for_live.generator --tables` regenerates the file; a test fails if it is out of date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from bridge import PROTOCOL_VERSION
from bridge.midi.ports.port_layout import PortLayout
from bridge.options.table import TEMPO
from bridge.osc.addresses import OUTGOING, REQUESTS, Parameter
from bridge.separation.families.table import EngineFamilies
from bridge.separation.names import AUTO, DRAFT, GOOD, PREFERRED, SPLEETER
from bridge.stems import (
    DRUMS,
    FOUR_STEMS,
    KIT,
    KIT_TABLE,
    OPPOSITE_TABLE,
    STEM_TABLE,
    STEMS,
    label_of,
    opposite_of,
    played_by,
    sounds_after,
)
from bridge.wording import ENGINE_WORDS, STAGE_WORDS, sentence

FILE = Path(__file__).parents[1] / "code" / "tables.js"
PREFIX = "/sab/"
#: The entries of the device's menu. Live Sets store the index in this list: a new engine goes to the end.
ENGINE_MENU = (
    *(AUTO, DRAFT, PREFERRED, "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx", "mdx_extra", "mdx_q"),
    *("umxhq", "umxl", "mdx_extra_q", GOOD, SPLEETER),
)
#: The engines that the tab names in words, each by its word; its last entry stands for every other one.
QUALITIES: dict[str, str] = {name: sentence(ENGINE_WORDS.get(name, name)) for name in (DRAFT, GOOD, PREFERRED, AUTO)}
OTHER_QUALITY = "More"


class Preset(NamedTuple):
    """What one button chooses: some stems, or all that the engine gives, and an opposite."""

    label: str
    info: str
    stems: tuple[str, ...] = ()
    opposite: str = ""
    all: bool = False


#: By the names that the script uses. Karaoke is the song to sing to: with the vocals beside it you would hear the song.
PRESETS: dict[str, Preset] = {
    "vocals": Preset("Vocals", "Only the voice.", ("vocals",)),
    "karaoke": Preset("Karaoke", "The song without its voice, to sing to.", opposite=opposite_of("vocals")),
    "drums_bass": Preset("Drums + bass", "Only the drums and the bass.", ("drums", "bass")),
    "all": Preset("All", "Every stem that the engine gives.", all=True),
}
#: The entries of the device's menu of opposites; likewise, new ones go to the end.
OPPOSITE_MENU = ("stems alone", *(f"+ {opposite.label}" for opposite in OPPOSITE_TABLE.values()))

#: The entries of the device's menu of readings, and the options that each stands for; likewise. Live has no grid for a
#: clip without warping: only the bridge can put its notes onto their own.
READINGS: dict[str, tuple[str, ...]] = {
    "As played": (),
    "Clean": ("reading", "clean"),
    "1/8": ("quantise", "1/8"),
    "1/16": ("quantise", "1/16"),
    "1/8 triplets": ("quantise", "1/8t"),
    "1/16 triplets": ("quantise", "1/16t"),
}


def engine_labels() -> tuple[str, ...]:
    """What the device's menu shows for the engines."""

    def label(name: str) -> str:
        if name not in ENGINE_WORDS:
            return name
        word = ENGINE_WORDS[name]
        return sentence(word) if word == name else f"{sentence(word)} ({name})"

    return tuple(map(label, ENGINE_MENU))


def engine_stems() -> dict[str, tuple[str, ...]]:
    """The stems of every engine in the menu whose stems are known before it is loaded."""
    known = EngineFamilies.of(Path("nowhere")).descriptions()
    return {name: known[name].stems for name in ENGINE_MENU if name in known and known[name].stems}


#: All that may come as audio, in the order of its tracks: the parts of the drums stand below them.
_RESULTS = [*(name for stem in STEMS for name in ((stem, *KIT) if stem == DRUMS else (stem,))), *OPPOSITE_TABLE]
#: The same in the order in which tracks may sound: one that plays what an earlier one plays is switched off.
_SOUNDING = sorted(_RESULTS, key=sounds_after)


def script() -> str:
    """The content of `code/tables.js`."""
    # Of an address with two forms, the names of the later one are used: both have the same number of arguments.
    messages = {row.address: [_name(parameter) for parameter in row.parameters] for row in OUTGOING}
    requests = {address.removeprefix(PREFIX): address for address in REQUESTS}
    head = "// Generated from the bridge's tables by `python -m max_for_live.generator --tables`: do not edit.\n\n"
    colours = {stem.name: stem.colour for stem in STEM_TABLE.values()}
    colours |= {part.name: part.colour for part in KIT_TABLE.values()}
    colours |= {opposite.name: opposite.colour for opposite in OPPOSITE_TABLE.values()}
    rows = {
        "VERSION": PROTOCOL_VERSION,
        "STEMS": STEMS,
        "AUDIO_STEMS": _RESULTS,
        "PLAYED_BY": [[name, sorted(played_by(name))] for name in _SOUNDING],
        "OPPOSITES": ("", *OPPOSITE_TABLE),
        "ENGINES": ENGINE_MENU,
        "QUALITIES": [*QUALITIES],
        "ENGINE_STEMS": engine_stems(),
        "FOUR_STEMS": FOUR_STEMS,
        "PRESETS": {
            name: {"stems": preset.stems, "opposite": preset.opposite, "all": preset.all}
            for name, preset in PRESETS.items()
        },
        "READINGS": [*READINGS.values()],
        "TEMPO_RANGE": [TEMPO.lowest, TEMPO.highest],
        "PORT_NAMES": {stem: PortLayout().name(stem) for stem in STEMS},
        "STEM_LABELS": {name: label_of(name) for name in _RESULTS},
        "STEM_COLORS": {name: int(colour[1:], 16) for name, colour in colours.items()},
        "UNPITCHED": [stem.name for stem in STEM_TABLE.values() if not stem.is_pitched],
        "STAGE_WORDS": {stage: sentence(words) for stage, words in STAGE_WORDS.items()},
        "REQUESTS": requests,
        "MESSAGES": messages,
    }
    return head + "".join(f"exports.{name} = {_literal(value)};\n" for name, value in rows.items())


def _name(parameter: Parameter) -> str:
    return f"{parameter.type}:{parameter.name}"


def _literal(value: object) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    rows = ",\n".join(f"    {json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
    return f"{{\n{rows}\n}}"
