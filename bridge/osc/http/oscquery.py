"""The address table as an OSCQuery tree: what a program sees that explores the bridge.

After the OSCQuery proposal (github.com/Vidvox/OSCQueryProposal). All of it is made from `addresses` and
`bridge.options.table`; nothing here says anything about an address that those tables do not say. Beyond the proposal,
`KEYS` describes the `key value` pairs of a request, for which its attributes have no word.
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

#: The proposal's ACCESS: a bit for reading, one for writing; a push can be neither read nor sent.
NO_VALUE, READ_ONLY, WRITE_ONLY = 0, 1, 2
#: The proposal's attributes that the bridge knows, beside those that every server must know.
EXTENSIONS = ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "EXTENDED_TYPE", "OVERLOADS")
SUPPORTED = frozenset({"FULL_PATH", "CONTENTS", "TYPE", "KEYS", *EXTENSIONS})
#: Those of the proposal that it does not.
UNSUPPORTED = frozenset({"TAGS", "UNIT", "CRITICAL", "CLIPMODE", "HTML", "LISTEN", "PATH_CHANGED"})

#: A type tag for each letter of a signature; T stands for both T and F.
_TAGS = {"s": "s", "i": "i", "f": "f", "b": "T"}
#: What a message without arguments is said to have: nil, which programs show as a button.
_NIL = "N"


def host_info(name: str, host: str, port: int) -> Node:
    """What `?HOST_INFO` answers; `host` and `port` are where OSC is heard, "" for the host that was asked."""
    found: Node = {"NAME": name, "OSC_PORT": port, "OSC_TRANSPORT": "UDP"}
    if host:
        found["OSC_IP"] = host
    found["EXTENSIONS"] = {name: name in EXTENSIONS for name in (*EXTENSIONS, *sorted(UNSUPPORTED))}
    return found


def address_space(values: Mapping[str, Sequence[object]], engines: Sequence[str], defaults: JobRequest) -> Node:
    """The whole tree, from `/` down.

    Args:
        values: what can be read, by the address of the message that says it.
        engines: the names that `engine` may have, beside auto.
        defaults: what a job gets where its request does not say.
    """
    root = _container("/")
    for request in REQUESTS.values():
        _place(root, _request(request, engines, defaults))
    rows: dict[str, list[Outgoing]] = {}
    for outgoing in OUTGOING:
        rows.setdefault(outgoing.address, []).append(outgoing)
    for address, alike in rows.items():
        _place(root, _outgoing(alike, values.get(address)))
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


def _place(root: Node, leaf: Node) -> None:
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
    """The rows of one address, of which the first is the common one."""
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
    told = tuple(parameters)
    if not told:
        return {"TYPE": _NIL}
    node: Node = {
        "TYPE": "".join(_TAGS[parameter.type] for parameter in told),
        "EXTENDED_TYPE": [parameter.name for parameter in told],
    }
    ranges = [of_parameter(address, parameter.name) for parameter in told]
    if any(ranges):
        node["RANGE"] = [_range(found) for found in ranges]
    return node


def _key(key: str, engines: Sequence[str], defaults: JobRequest) -> Node:
    if key not in OPTIONS:  # `req`, which belongs to the message and not to the job
        return {"TYPE": "s", "DESCRIPTION": "Your token for this request, echoed in the answer."}
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
    told = {"MIN": found.lowest, "MAX": found.highest, "VALS": list(found.choices) or None}
    return {name: value for name, value in told.items() if value is not None}
