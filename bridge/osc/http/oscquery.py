"""The address table as an OSCQuery tree, for programs that explore the bridge.

It follows the OSCQuery proposal (github.com/Vidvox/OSCQueryProposal), and is built only from `addresses` and
`bridge.options.table`. The proposal has no attribute for the `key value` pairs of a request; the tree adds `KEYS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from bridge.options.kinds import Range
from bridge.options.table import OPTIONS
from bridge.osc.addresses import OUTGOING, REQUESTS, Outgoing, Parameter, Request
from bridge.osc.http.ranges import of_parameter
from bridge.request import JobRequest

Node: TypeAlias = dict[str, object]

#: The proposal's ACCESS: bit 0 for reading, bit 1 for writing; a push can be neither read nor sent.
NO_VALUE, READ_ONLY, WRITE_ONLY = 0, 1, 2
#: The proposal's optional attributes that the bridge supports.
EXTENSIONS = ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "EXTENDED_TYPE", "OVERLOADS")
SUPPORTED = frozenset({"FULL_PATH", "CONTENTS", "TYPE", "KEYS", *EXTENSIONS})
#: The proposal's optional attributes that it does not support.
UNSUPPORTED = frozenset({"TAGS", "UNIT", "CRITICAL", "CLIPMODE", "HTML", "LISTEN", "PATH_CHANGED"})

#: A type tag for each letter of a signature; T stands for both T and F.
_TAGS = {"s": "s", "i": "i", "f": "f", "b": "T"}
#: The type of a message without arguments: nil, which programs show as a button.
_NIL = "N"


def host_info(name: str, host: str, port: int) -> Node:
    """The answer to `?HOST_INFO`; `host` and `port` are the OSC server's, with "" for the host of the request."""
    found: Node = {"NAME": name, "OSC_PORT": port, "OSC_TRANSPORT": "UDP"}
    if host:
        found["OSC_IP"] = host
    found["EXTENSIONS"] = {name: name in EXTENSIONS for name in (*EXTENSIONS, *sorted(UNSUPPORTED))}
    return found


def address_space(values: Mapping[str, Sequence[object]], engines: Sequence[str], defaults: JobRequest) -> Node:
    """The whole tree, from `/` down.

    Args:
        values: the values that can be read, by the address of the message that carries them.
        engines: allowed values of `engine`, besides auto.
        defaults: defaults of a job's options.
    """
    root = _container("/")
    for request in REQUESTS.values():
        _insert(root, _request(request, engines, defaults))
    rows: dict[str, list[Outgoing]] = {}
    for outgoing in OUTGOING:
        rows.setdefault(outgoing.address, []).append(outgoing)
    for address, forms in rows.items():
        _insert(root, _outgoing(forms, values.get(address)))
    return root


def find_node(root: Node, path: str) -> Node | None:
    """The node at an address; None where there is none."""
    node = root
    for name in filter(None, path.split("/")):
        contents = node.get("CONTENTS")
        if not isinstance(contents, dict) or name not in contents:
            return None
        node = contents[name]
    return node


def _insert(root: Node, leaf: Node) -> None:
    address = str(leaf["FULL_PATH"])
    *parents, name = address.strip("/").split("/")
    contents = root["CONTENTS"]
    for depth, parent in enumerate(parents, start=1):
        assert isinstance(contents, dict)
        container = contents.setdefault(parent, _container("/" + "/".join(parents[:depth])))
        contents = container["CONTENTS"]
    assert isinstance(contents, dict)
    contents[name] = leaf


def _container(path: str) -> Node:
    return {"FULL_PATH": path, "ACCESS": NO_VALUE, "DESCRIPTION": "The bridge's OSC addresses.", "CONTENTS": {}}


def _request(request: Request, engines: Sequence[str], defaults: JobRequest) -> Node:
    required = [parameter for parameter in request.parameters if not parameter.optional]
    optional = [parameter for parameter in request.parameters if parameter.optional]
    node = {
        "FULL_PATH": request.address,
        "ACCESS": WRITE_ONLY,
        "DESCRIPTION": request.help,
        **_arguments(request.address, required),
    }
    if optional:
        longer = (required + optional[:count] for count in range(1, len(optional) + 1))
        node["OVERLOADS"] = [_arguments(request.address, parameters) for parameters in longer]
    if request.keys:
        node["KEYS"] = {key: _key(key, engines, defaults) for key in request.keys}
    return node


def _outgoing(rows: Sequence[Outgoing], value: Sequence[object] | None) -> Node:
    """The rows of one address; the first is the usual form, the others are overloads."""
    first, *others = rows
    node = {
        "FULL_PATH": first.address,
        "ACCESS": NO_VALUE if value is None else READ_ONLY,
        "DESCRIPTION": first.help,
        **_arguments(first.address, first.parameters),
    }
    if value is not None:
        node["VALUE"] = list(value)
    if others:
        node["OVERLOADS"] = [
            {**_arguments(other.address, other.parameters), "DESCRIPTION": other.help} for other in others
        ]
    return node


def _arguments(address: str, parameters: Iterable[Parameter]) -> Node:
    arguments = tuple(parameters)
    if not arguments:
        return {"TYPE": _NIL}
    node: Node = {
        "TYPE": "".join(_TAGS[parameter.type] for parameter in arguments),
        "EXTENDED_TYPE": [parameter.name for parameter in arguments],
    }
    ranges = [of_parameter(address, parameter.name) for parameter in arguments]
    if any(ranges):
        node["RANGE"] = [_range(found) for found in ranges]
    return node


def _key(key: str, engines: Sequence[str], defaults: JobRequest) -> Node:
    if key not in OPTIONS:  # `req`, which belongs to the message and not to the job
        return {"TYPE": "s", "DESCRIPTION": "Your token for this request; it comes back in the answer."}
    option = OPTIONS[key]
    found = option.kind.range
    if key == "engine":
        found = Range(choices=("auto", *(name for name in engines if name != "auto")))
    node: Node = {"TYPE": option.kind.tag, "DESCRIPTION": f"{option.help} Values: {option.words}."}
    if found is not None:
        node["RANGE"] = [_range(found)]
    if "serve" in option.commands:
        node["VALUE"] = [option.kind.shown(option.value(defaults))]
    return node


def _range(found: Range | None) -> Node | None:
    if found is None:
        return None
    attributes = {"MIN": found.lowest, "MAX": found.highest, "VALS": list(found.choices) or None}
    return {name: value for name, value in attributes.items() if value is not None}
