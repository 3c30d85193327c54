"""The OSCQuery tree matches the address table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from bridge.options.table import OPTIONS
from bridge.osc.addresses import OUTGOING, REQUESTS, Outgoing, Request
from bridge.osc.http.oscquery import SUPPORTED, Node, address_space, find_node, host_info
from tests.support.requests import request_for


@pytest.fixture(scope="module")
def tree() -> Node:
    values = {"/sab/status.reply": (1, 2, "draft", "cpu", "alsa", "here")}
    return address_space(values, engines=("auto", "draft"), defaults=request_for("", format="flac"))


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in cast("dict[str, Node]", node.get("CONTENTS", {})).values():
        yield from nodes(child)


def at(tree: Node, path: str) -> Node:
    node = find_node(tree, path)
    assert node is not None
    return node


def test_it_holds_every_address_and_nothing_else(tree: Node) -> None:
    leaves = [str(node["FULL_PATH"]) for node in nodes(tree) if "CONTENTS" not in node]
    assert sorted(leaves) == sorted({*REQUESTS, *(outgoing.address for outgoing in OUTGOING)})
    assert {str(node["FULL_PATH"]) for node in nodes(tree) if "CONTENTS" in node} == {"/", "/sab"}


def test_every_node_is_found_at_its_full_path(tree: Node) -> None:
    for node in nodes(tree):
        assert find_node(tree, str(node["FULL_PATH"])) is node
        assert set(node) <= SUPPORTED
    assert find_node(tree, "/sab/") is at(tree, "/sab")
    assert find_node(tree, "/sab/nothing") is None
    assert find_node(tree, "/sab/ping/more") is None


@pytest.mark.parametrize("row", REQUESTS.values(), ids=lambda row: row.address)
def test_a_request_has_the_arguments_of_its_row(tree: Node, row: Request) -> None:
    node = at(tree, row.address)
    assert (node["ACCESS"], node["DESCRIPTION"]) == (2, row.help)
    longest = cast("list[Node]", node.get("OVERLOADS", [node]))[-1]
    assert longest.get("EXTENDED_TYPE", []) == [parameter.name for parameter in row.parameters]
    tags = "".join("T" if parameter.type == "b" else parameter.type for parameter in row.parameters)
    assert longest["TYPE"] == (tags or "N")
    assert list(cast("Node", node.get("KEYS", {}))) == list(row.keys)


@pytest.mark.parametrize("row", OUTGOING, ids=lambda row: f"{row.address} {row.signature}")
def test_every_outgoing_message_is_described(tree: Node, row: Outgoing) -> None:
    node = at(tree, row.address)
    forms = [node, *cast("list[Node]", node.get("OVERLOADS", []))]
    names = [parameter.name for parameter in row.parameters]
    (form,) = (form for form in forms if form.get("EXTENDED_TYPE", []) == names)
    assert form["DESCRIPTION"] == row.help
    assert form["TYPE"] == ("".join(parameter.type for parameter in row.parameters) or "N")
    assert len(cast("list[object]", form.get("RANGE", names))) == len(names)


def test_only_readable_nodes_have_a_value(tree: Node) -> None:
    readable = [node for node in nodes(tree) if "VALUE" in node]
    assert [(node["FULL_PATH"], node["ACCESS"]) for node in readable] == [("/sab/status.reply", 1)]
    assert readable[0]["VALUE"] == [1, 2, "draft", "cpu", "alsa", "here"]


def test_the_keys_of_a_job_have_their_types_ranges_and_defaults(tree: Node) -> None:
    keys = cast("dict[str, Node]", at(tree, "/sab/submit")["KEYS"])
    assert list(keys) == [*OPTIONS, "req"]
    assert keys["engine"]["RANGE"] == [{"VALS": ["auto", "draft"]}]
    assert (keys["tempo"]["TYPE"], keys["tempo"]["RANGE"]) == ("f", [{"MIN": 20.0, "MAX": 400.0}])
    assert keys["score"]["TYPE"] == "T"
    assert keys["format"]["VALUE"] == ["flac"]
    assert "VALUE" not in keys["start"]
    for name, option in OPTIONS.items():
        assert option.help in str(keys[name]["DESCRIPTION"])


def test_ranges_are_listed_by_position(tree: Node) -> None:
    hello = at(tree, "/sab/hello")
    assert (hello["TYPE"], hello["RANGE"]) == ("si", [None, {"VALS": [1]}])
    progress = at(tree, "/sab/progress")
    assert cast("list[Node]", progress["RANGE"])[2:] == [{"MIN": 0.0, "MAX": 1.0}, {"MIN": -1.0}]


def test_the_host_info_has_the_osc_address() -> None:
    info = host_info("bridge", "127.0.0.1", 9720)
    assert (info["OSC_IP"], info["OSC_PORT"], info["OSC_TRANSPORT"]) == ("127.0.0.1", 9720, "UDP")
    extensions = cast("dict[str, bool]", info["EXTENSIONS"])
    assert extensions["VALUE"]
    assert not extensions["LISTEN"]
    assert "OSC_IP" not in host_info("bridge", "", 9720)
