"""Messages are parsed by name, and no client in the product parses them in another way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import ProtocolMismatch
from bridge.events import (
    Analysed,
    Ended,
    Event,
    GroupEnded,
    HorizonMoved,
    MidiDelayed,
    MidiEnded,
    MidiMoved,
    MidiStarted,
    MidiStarved,
    MidiWaiting,
    Produced,
    Progressed,
    Removed,
    Restored,
    Warned,
)
from bridge.model import Lateness, Music, Result, Warning
from bridge.osc import codec
from bridge.osc.addresses import FAIL, OUTGOING, PUSHES, STATUS_REPLY, Message, Outgoing
from bridge.osc.fields import arguments_of, event_of
from bridge.osc.pushes import PushedEvent, messages

#: One of each kind that clients receive, with only the fields that a push carries.
EVENTS: tuple[PushedEvent, ...] = (
    Progressed(job="j1", stage="separating", fraction=0.25, eta_seconds=12.5),
    Progressed(job="j1", stage="loading", fraction=0.5),
    Produced(
        job="j1",
        result=Result(kind="stem", name="bass", folder="/o", file="a.wav", seconds=15.0, sample_rate_hz=44_100),
    ),
    Warned(job="j1", warning=Warning(code="would_clip", message="The bass would clip.")),
    Analysed(
        job="j1",
        music=Music(
            tempo_bpm=98.5, tempo_source="estimated", tempo_confidence=0.75, first_beat_seconds=0.5, key="Bb major",
            key_margin=0.25,
        ),
    ),
    Ended(job="j1", outcome="cancelled", unix_seconds=0.0),
    Removed(job="j1", unix_seconds=0.0),
    Restored(job="j1", unix_seconds=0.0),
    GroupEnded(group_id="g1", name="take", done=2, failed=1, cancelled=0),
    MidiWaiting(job="j1", stem="bass", sync="clock"),
    MidiStarted(job="j1", stem="bass", seconds=15.0, notes=12),
    MidiStarved(job="j1", stem="bass", seconds=4.5),
    MidiMoved(job="j1", stem="bass", seconds=-1.5),
    MidiStarved(job="j1", stem="bass", seconds=4.5),
    MidiDelayed(job="j1", seconds=75.0),
    HorizonMoved(job="j1", seconds=6.25),
    MidiEnded(
        job="j1", stem="bass", outcome="finished",
        lateness=Lateness(messages=0, p50_ms=0.125, p99_ms=0.5, worst_ms=2.0), missed=3,
    ),
)  # fmt: skip
PRODUCT = [path for folder in ("bridge", "tui", "benchmarks", "tools") for path in Path(folder).rglob("*.py")]
#: Modules that may access a message's arguments by position: those that encode and decode messages, and AbletonOSC.
ALLOWED = {
    Path("bridge/osc") / name
    for name in ("ableton_osc.py", "addresses.py", "arguments.py", "client.py", "codec.py", "fields.py")
}


def over_the_wire(message: Message) -> Message:
    (received,) = codec.decode(codec.encode(message))
    assert isinstance(received, Message)
    return received


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_push_is_parsed_to_its_event(event: Event) -> None:
    push, *_ = messages(event, None)  # type: ignore[arg-type]
    assert event_of(over_the_wire(push)) == event


def test_every_other_push_carries_no_event() -> None:
    addresses = {messages(event, None)[0].address for event in EVENTS}
    assert {push.address for push in PUSHES} - addresses == {
        "/sab/startup", "/sab/nonce", "/sab/bye", "/sab/fail", "/sab/job.group", "/sab/group", "/sab/tempo",
        "/sab/preview",
    }  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_push_with_an_additional_argument_is_parsed_the_same(event: Event) -> None:
    push, *_ = messages(event, None)  # type: ignore[arg-type]
    longer = Message(push.address, (*push.arguments, "new", 7, 0.5))
    assert event_of(over_the_wire(longer)) == event


@pytest.mark.parametrize("row", OUTGOING, ids=lambda row: row.address)
def test_every_row_is_parsed_by_name(row: Outgoing) -> None:
    samples: dict[str, str | float] = {"s": "word", "i": 3, "f": 0.5}
    values = {parameter.name: samples[parameter.type] for parameter in row.parameters}
    received = over_the_wire(row(*values.values()))
    assert arguments_of(received, row) == values
    assert arguments_of(Message(received.address, (*received.arguments, "more")), row) == values


@pytest.mark.parametrize(
    "message",
    [
        Message("/sab/fail", ("/sab/play", "not_found")),
        Message("/sab/fail", (1, "not_found", "", "")),
        Message("/sab/done", ("/sab/play", "not_found", "", "")),
    ],
)
def test_a_message_with_missing_or_wrong_arguments_is_a_protocol_mismatch(message: Message) -> None:
    with pytest.raises(ProtocolMismatch):
        arguments_of(message, FAIL)


def test_a_number_may_have_either_type() -> None:
    fields = arguments_of(Message(STATUS_REPLY.address, (1.0, 2, "draft", "cpu", "jack", "here")), STATUS_REPLY)
    assert (fields["queued"], type(fields["queued"]), fields["midi_backend"]) == (1, int, "jack")


@pytest.mark.parametrize("path", [path for path in PRODUCT if path not in ALLOWED], ids=str)
def test_no_other_module_accesses_arguments_by_position(path: Path) -> None:
    assert list(_by_position(ast.parse(path.read_text(encoding="utf-8")))) == []


def _by_position(tree: ast.AST) -> Iterator[int]:
    """Lines that access `.arguments` by position: by an index, by unpacking, or by matching."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _is_arguments(node.value):
            yield node.lineno
        if (
            isinstance(node, ast.Assign)
            and _is_arguments(node.value)
            and isinstance(node.targets[0], (ast.Tuple, ast.List))
        ):
            yield node.lineno
        if isinstance(node, ast.Match) and any(_is_arguments(part) for part in ast.walk(node.subject)):
            yield node.lineno


def _is_arguments(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "arguments"


def test_every_access_by_position_is_found() -> None:
    for line in ("x = m.arguments[1]", "_, a = m.arguments", "match m.address, m.arguments:\n case _: pass"):
        assert list(_by_position(ast.parse(line)))
    assert not list(_by_position(ast.parse("call.arguments.strings['job']\nf(m.arguments)")))
