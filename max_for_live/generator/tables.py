"""The bridge's tables for the device's script: `code/tables.js`, made from the tables that the bridge runs on.

`python -m max_for_live.generator --tables` brings the file up to date; a test fails where it is not.
"""

from __future__ import annotations

import json
from pathlib import Path

from bridge import PROTOCOL_VERSION
from bridge.midi.ports.port_layout import PortLayout
from bridge.options.table import TEMPO
from bridge.osc.addresses import OUTGOING, REQUESTS, Parameter
from bridge.separation.models.catalogue import AUTO, NOTES
from bridge.stems import STEMS

FILE = Path(__file__).parents[1] / "code" / "tables.js"
PREFIX = "/sab/"


def engines() -> tuple[str, ...]:
    """What the device's menu offers, in its order; a stored set remembers the place in this list."""
    return (AUTO, *NOTES)


def script() -> str:
    """The whole of `code/tables.js`."""
    # Where an address has two forms, the later one's names stand for both: they have the same number of arguments.
    messages = {row.address: [_name(parameter) for parameter in row.parameters] for row in OUTGOING}
    requests = {address.removeprefix(PREFIX): address for address in REQUESTS}
    head = "// Made from the bridge's own tables by `python -m max_for_live.generator --tables`: not to be edited.\n\n"
    rows = {
        "VERSION": PROTOCOL_VERSION,
        "STEMS": STEMS,
        "ENGINES": engines(),
        "TEMPO_RANGE": [TEMPO.lowest, TEMPO.highest],
        "PORT_NAMES": {stem: PortLayout().name(stem) for stem in STEMS},
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
